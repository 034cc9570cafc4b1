import { describe, expect, it } from 'vitest';
import { CredentialsError, encodeCommandResult, SERVER_ID } from '../../../device/client/index.ts';
import { REPLAYS_MAX } from '../../../device/client/limits.ts';
import {
  Delivery,
  decodePayload,
  ErrorCode,
  ErrorPayload,
  encodePayload,
  FrameType,
  type FrameView,
  Hello,
} from '../../../proto/index.ts';
import {
  closings,
  connected,
  credentials,
  OTHER_DEVICE,
  reading,
  setUp,
  THIRD_DEVICE,
} from '../../support/bifrost-client.ts';
import { turn } from '../../support/clock.ts';

describe('a session', () => {
  it('begins with HELLO, with token and subprotocol in the handshake', async () => {
    const { server, client } = await connected({ resume: { epoch: 'epoch-1', offset: 41 } });
    expect(server.connection).toMatchObject({ token: credentials.token, subprotocol: 'bifrost.v1' });
    const hello = decodePayload(Hello, server.connection.last(FrameType.HELLO).payload);
    expect(hello.resume).toMatchObject({ epoch: 'epoch-1', offset: 41 });
    expect(client.state).toBe('open');
    expect(client.recovered).toBe(true);
  });

  it('uses nonces above the last one that the server accepted', async () => {
    const { server, client, clock } = setUp();
    const start = client.connect();
    const ahead = clock.nowMs() * 1000 + 5_000_000;
    server.connection.welcome({ lastNonce: ahead });
    await start;
    client.sendTransient({ type: FrameType.EVENT, payload: reading(1) });
    client.sendTransient({ type: FrameType.EVENT, payload: reading(2) });
    const nonces = server.connection.all(FrameType.EVENT).map(({ header }) => header.nonce);
    expect(nonces).toEqual([ahead + 1, ahead + 2]);
  });

  it.each([
    ['uses nonces above the one that an ERROR of the server names', SERVER_ID, true],
    ['does not believe the nonce in an ERROR of another device', OTHER_DEVICE, false],
  ])('%s', async (_what, sourceId, isBelieved) => {
    const { server, client, clock } = await connected();
    const lastNonce = clock.nowMs() * 1000 + 5_000_000;
    const payload = encodePayload(ErrorPayload, { code: ErrorCode.FRAME_REPLAYED, message: '', lastNonce });
    server.connection.push({ type: FrameType.ERROR, sourceId }, payload);
    client.sendTransient({ type: FrameType.EVENT, payload: reading(1) });
    const { nonce } = server.connection.last(FrameType.EVENT).header;
    expect(nonce > lastNonce).toBe(isBelieved);
  });

  it('sends a frame again with a nonce above the last one when another program of the device was ahead', async () => {
    const { server, client } = await connected();
    const sent = client.publish({ name: 'led.state', value: true, unit: '' });
    const refuse = () => {
      const { id, nonce } = server.connection.last(FrameType.EVENT).header;
      const refusal = { code: ErrorCode.FRAME_REPLAYED, message: '', lastNonce: nonce + 5_000 };
      const header = { type: FrameType.ERROR, sourceId: SERVER_ID, correlationId: id };
      server.connection.push(header, encodePayload(ErrorPayload, refusal));
    };
    for (let count = 0; count <= REPLAYS_MAX; count++) refuse();
    await expect(sent).rejects.toMatchObject({ code: 'frame_replayed' });
    const headers = server.connection.all(FrameType.EVENT).map(({ header }) => header);
    expect(new Set(headers.map(({ id }) => id)).size).toBe(1);
    const [first] = headers;
    expect(headers.map(({ nonce }) => nonce - (first?.nonce ?? 0))).toEqual(
      Array.from({ length: REPLAYS_MAX + 1 }, (_, count) => count * 5_001),
    );
  });

  it('has its ids in lower case, however the credentials write them', async () => {
    const { server, client } = await connected({
      credentials: {
        ...credentials,
        deviceId: credentials.deviceId.toUpperCase(),
        networkId: credentials.networkId.toUpperCase(),
      },
    });
    const values: unknown[] = [];
    client.on('event', ({ value }) => values.push(value));
    const event = { type: FrameType.EVENT, sourceId: OTHER_DEVICE, destinationId: credentials.deviceId };
    server.connection.push(event, reading(3));
    expect(values).toEqual([3]);
  });

  it.each([{ deviceId: 'kitchen lamp' }, { networkId: 'home' }])(
    'is not begun with credentials whose ids are none: %o',
    (change) => {
      expect(() => setUp({ credentials: { ...credentials, ...change } })).toThrow(CredentialsError);
    },
  );

  it('drops frames that are tampered with, malformed, or of another network, and says why', async () => {
    const { server, client } = await connected();
    const reasons: string[] = [];
    const events: unknown[] = [];
    client.on('dropped', ({ reason }) => reasons.push(reason));
    client.on('frame', (frame) => events.push(frame));
    const event = { type: FrameType.EVENT, sourceId: OTHER_DEVICE };
    const good = server.connection.frame(event, reading(1));
    for (let position = 0; position < good.length; position++) {
      const tampered = good.slice();
      tampered[position] = (tampered[position] as number) ^ 1;
      server.connection.pushBytes(tampered);
    }
    expect(reasons).toHaveLength(good.length);
    server.connection.push({ ...event, networkId: THIRD_DEVICE }, reading(1));
    server.connection.push({ ...event, destinationId: THIRD_DEVICE }, reading(1));
    server.connection.push(event, Uint8Array.of(0xff));
    expect(reasons.slice(-3)).toEqual([
      'frame_destination_wrong',
      'frame_destination_wrong',
      'frame_payload_malformed',
    ]);
    expect(events).toEqual([]);
    expect(client.droppedFrames).toBe(good.length + 3);
  });

  it('pings when it was silent, and ends when the server is', async () => {
    const { server, client, clock } = setUp();
    const delays = closings(client);
    const start = client.connect();
    server.connection.welcome({ heartbeatIntervalMs: 1_000 });
    await start;
    const { connection } = server;
    clock.advance(400);
    expect(connection.all(FrameType.PING)).toHaveLength(0);
    clock.advance(400);
    expect(connection.all(FrameType.PING)).toHaveLength(1);
    connection.push({ type: FrameType.PONG });
    clock.advance(1_200);
    expect(delays).toEqual([]);
    clock.advance(800);
    expect(delays).toEqual([0]);
    expect(connection.closedByClient).toBe(true);
  });

  it('ends when WELCOME does not come', async () => {
    const { server, client, clock } = setUp();
    const delays = closings(client);
    const start = client.connect();
    server.connection.open();
    clock.advance(10_000);
    expect(delays).toHaveLength(1);
    client.close();
    await expect(start).rejects.toMatchObject({ code: 'client_closed' });
  });
});

describe('sending', () => {
  it('resolves a stored frame when it is acknowledged', async () => {
    const { server, client } = await connected();
    const sent = client.publish({ name: 'led.state', value: true, unit: '' });
    const frame = server.connection.last(FrameType.EVENT);
    expect(frame.header.delivery).toBe(Delivery.STORED);
    server.connection.acknowledge(frame, 23);
    expect(await sent).toEqual({ offset: 23 });
  });

  it('sends again after a reconnect: the same id, a new nonce', async () => {
    const { server, client, clock } = await connected();
    const sent = client.publish({ name: 'led.state', value: true, unit: '' });
    const first = server.connection.last(FrameType.EVENT).header;
    server.connection.end();
    clock.advance(0);
    server.connection.welcome();
    const second = server.connection.last(FrameType.EVENT);
    expect(second.header.id).toBe(first.id);
    expect(second.header.nonce).toBeGreaterThan(first.nonce);
    server.connection.acknowledge(second, 5);
    expect(await sent).toEqual({ offset: 5 });
  });

  it('keeps stored frames while there is no connection, and loses transient ones', async () => {
    const { server, client } = setUp();
    const start = client.connect();
    const sent = client.publish({ name: 'led.state', value: true, unit: '' });
    expect(client.sendTransient({ type: FrameType.EVENT, payload: reading(1) })).toBe(false);
    server.connection.welcome();
    await start;
    expect(server.connection.all(FrameType.EVENT)).toHaveLength(1);
    server.connection.acknowledge(server.connection.last(FrameType.EVENT), 1);
    await sent;
  });

  it('sends no more frames without an answer than WELCOME says, and the next with each answer', async () => {
    const { server, client } = setUp();
    const start = client.connect();
    server.connection.welcome({ sendWindow: 2 });
    await start;
    const sent = [1, 2, 3, 4].map((number) =>
      client.send({ type: FrameType.EVENT, payload: reading(number) }),
    );
    const events = () => server.connection.all(FrameType.EVENT);
    expect(events()).toHaveLength(2);
    server.connection.acknowledge(events()[0] as FrameView, 1);
    expect(events()).toHaveLength(3);
    const refused = expect(sent[1]).rejects.toMatchObject({ code: 'unavailable' });
    server.connection.refuse(events()[1] as FrameView, 'unavailable');
    expect(events()).toHaveLength(4);
    for (const [index, frame] of events().slice(2).entries()) server.connection.acknowledge(frame, index + 2);
    await Promise.all([sent[0], refused, sent[2], sent[3]]);
  });

  it('rejects with the code of the ERROR that answers the frame', async () => {
    const { server, client } = await connected();
    const errors: unknown[] = [];
    client.on('error', ({ error }) => errors.push(error.code));
    const sent = client.send({ type: FrameType.EVENT, payload: reading(1), destinationId: THIRD_DEVICE });
    server.connection.refuse(server.connection.last(FrameType.EVENT), 'frame_destination_unknown');
    await expect(sent).rejects.toMatchObject({ code: 'frame_destination_unknown' });
    expect(errors).toEqual([]);
    server.connection.refuse(server.connection.last(FrameType.EVENT), 'internal');
    expect(errors).toEqual(['internal']);
  });

  it('does not believe an acknowledgement that another device made', async () => {
    const { server, client } = await connected();
    let settled = false;
    const sent = client.publish({ name: 'led.state', value: true, unit: '' }).then(() => {
      settled = true;
    });
    const frame = server.connection.last(FrameType.EVENT);
    server.connection.push({ type: FrameType.ACK, correlationId: frame.header.id, sourceId: OTHER_DEVICE });
    await turn();
    expect(settled).toBe(false);
    server.connection.acknowledge(frame, 1);
    await sent;
  });

  it('refuses a payload that no frame can hold, and more frames than it can keep', async () => {
    const { client } = await connected();
    const send = (payload: Uint8Array) => client.send({ type: FrameType.EVENT, payload });
    await expect(send(new Uint8Array(262_144))).rejects.toMatchObject({ code: 'frame_too_large' });
    const kept = Array.from({ length: 1_000 }, () => send(new Uint8Array(1)));
    await expect(send(new Uint8Array(1))).rejects.toMatchObject({ code: 'outbox_full' });
    client.close();
    const results = await Promise.allSettled(kept);
    expect(results.every(({ status }) => status === 'rejected')).toBe(true);
  });

  it.each([{ destinationId: 'kitchen lamp' }, { destinationId: '' }, { correlationId: 'the last one' }])(
    'refuses an id that is none, and sends nothing: %o',
    async (ids) => {
      const { server, client } = await connected();
      const frame = { type: FrameType.EVENT, payload: reading(1), ...ids };
      await expect(client.send(frame)).rejects.toMatchObject({ code: 'invalid_input' });
      await expect(client.request(frame)).rejects.toMatchObject({ code: 'invalid_input' });
      expect(() => client.sendTransient(frame)).toThrow(
        expect.objectContaining({ name: 'BifrostError', code: 'invalid_input' }),
      );
      expect(server.connection.all(FrameType.EVENT)).toEqual([]);
      expect(client.state).toBe('open');
    },
  );

  it('gives a request up when the session ends or the answer is late', async () => {
    const { server, client, clock } = await connected();
    const late = client.request({ type: FrameType.PING, payload: new Uint8Array(0) }, { timeoutMs: 100 });
    clock.advance(100);
    await expect(late).rejects.toMatchObject({ code: 'timed_out' });
    const lost = client.request({ type: FrameType.PING, payload: new Uint8Array(0) });
    server.connection.end();
    await expect(lost).rejects.toMatchObject({ code: 'session_lost' });
  });
});

describe('a command', () => {
  const done = encodeCommandResult({ error: null, values: { on: true, level: 40 } });

  it('resolves with the result of the device that it was given to, and of no other', async () => {
    const { server, client } = await connected();
    const result = client.command(OTHER_DEVICE, 'led.set', { on: true });
    const { id, destinationId } = server.connection.last(FrameType.COMMAND).header;
    expect(destinationId).toBe(OTHER_DEVICE);
    const answer = { type: FrameType.COMMAND_RESULT, correlationId: id, destinationId: credentials.deviceId };
    const forged = encodeCommandResult({ error: null, values: { on: false } });
    server.connection.push({ ...answer, sourceId: THIRD_DEVICE }, forged, 1);
    server.connection.push({ ...answer, sourceId: OTHER_DEVICE }, done, 2);
    expect(await result).toEqual({ error: null, values: { on: true, level: 40 } });
  });

  it('to a device whose id is written in upper case resolves with the result of that device', async () => {
    const { server, client } = await connected();
    const device = '00000000-0000-4000-8000-00000000abcd';
    const result = client.command(device.toUpperCase(), 'led.set', { on: true });
    const { id, destinationId } = server.connection.last(FrameType.COMMAND).header;
    expect(destinationId).toBe(device);
    const answer = { type: FrameType.COMMAND_RESULT, correlationId: id, destinationId: credentials.deviceId };
    server.connection.push({ ...answer, sourceId: device }, done, 1);
    expect(await result).toEqual({ error: null, values: { on: true, level: 40 } });
  });

  it.each(['kitchen lamp', '', 'd2'])(
    'to the device "%s", which is no id, is refused and not sent',
    async (id) => {
      const { server, client, clock } = await connected();
      await expect(client.command(id, 'led.get')).rejects.toMatchObject({
        name: 'BifrostError',
        code: 'invalid_input',
      });
      expect(server.connection.all(FrameType.COMMAND)).toEqual([]);
      expect(clock.pending).toBe(0);
    },
  );

  it('resolves with the error of the device', async () => {
    const { server, client } = await connected();
    const result = client.command(OTHER_DEVICE, 'led.blink');
    const correlationId = server.connection.last(FrameType.COMMAND).header.id;
    const error = { code: 'command_unknown', message: 'no' } as const;
    const payload = encodeCommandResult({ error, values: {} });
    server.connection.push(
      { type: FrameType.COMMAND_RESULT, correlationId, sourceId: OTHER_DEVICE },
      payload,
      1,
    );
    expect((await result).error).toEqual(error);
  });

  it('rejects when the server refuses it, when it takes too long, and when the client is closed', async () => {
    const { server, client, clock } = await connected();
    const refused = client.command(OTHER_DEVICE, 'led.get');
    server.connection.refuse(server.connection.last(FrameType.COMMAND), 'frame_destination_unknown');
    await expect(refused).rejects.toMatchObject({ code: 'frame_destination_unknown' });
    const late = client.command(OTHER_DEVICE, 'led.get', {}, { timeoutMs: 300 });
    server.connection.acknowledge(server.connection.last(FrameType.COMMAND), 1);
    clock.advance(300);
    await expect(late).rejects.toMatchObject({ code: 'timed_out' });
    const closed = client.command(OTHER_DEVICE, 'led.get');
    client.close();
    await expect(closed).rejects.toMatchObject({ code: 'client_closed' });
  });
});
