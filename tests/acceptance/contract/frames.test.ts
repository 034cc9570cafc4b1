import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Delivery, Event, encodePayload, FRAME_BYTES_MAX, FrameType } from '../../../proto/index.ts';
import { BifrostSocket, codeOf, signedFrame } from '../../support/bifrost-socket.ts';
import { startTestServer, type TestServer } from '../../support/server.ts';
import { createDevice, createWorld, type World } from '../../support/world.ts';
import { FRAME_CASES } from './frame-cases.ts';

let server: TestServer;
let world: World;

beforeAll(async () => {
  server = await startTestServer();
  world = await createWorld(server);
});
afterAll(() => server.stop());

const aliceDevice = () =>
  createDevice(server, world.alice.token, world.alice.network.id, crypto.randomUUID());
const event = encodePayload(Event, { name: 'sensor.temperature', value: { number: 20 } });

/** Sends bytes on a new session of a new device of Alice and gives the code of the answer. */
async function answerTo(bytes: (connection: BifrostSocket) => Uint8Array): Promise<string> {
  const connection = await BifrostSocket.open(server, await aliceDevice());
  connection.socket.send(bytes(connection));
  const code = codeOf(await connection.next(FrameType.ERROR));
  connection.close();
  return code;
}

describe.each(
  [...FRAME_CASES].map(([type, frameCase]) => ({ name: FrameType[type] ?? '', type, ...frameCase })),
)('$name', ({ type, refused, code }) => {
  it(`answers ${code} to a genuine frame that is wrong`, async () => {
    expect(
      await answerTo(({ credentials }) => {
        const { header, payload } = refused(world);
        return signedFrame(credentials, { type, ...header }, payload);
      }),
    ).toBe(code);
  });

  it('answers frame_signature_wrong to a frame signed with another key', async () => {
    expect(
      await answerTo(({ credentials }) =>
        signedFrame({ ...credentials, signingKey: world.alice.device.signingKey }, { type }, event),
      ),
    ).toBe('frame_signature_wrong');
  });

  it('answers frame_source_wrong to a frame in the name of another device', async () => {
    expect(await answerTo(() => signedFrame(world.alice.device, { type }, event))).toBe('frame_source_wrong');
  });

  it('answers network_not_found to a frame for the network of another tenant', async () => {
    expect(
      await answerTo(({ credentials }) =>
        signedFrame(credentials, { type, networkId: world.bob.network.id }, event),
      ),
    ).toBe('network_not_found');
  });
});

describe('any frame', () => {
  it('is refused as frame_replayed when it comes again, on this connection and the next', async () => {
    const credentials = await aliceDevice();
    const connection = await BifrostSocket.open(server, credentials);
    const bytes = signedFrame(credentials, {}, event);
    connection.socket.send(bytes);
    connection.socket.send(bytes);
    expect(codeOf(await connection.next(FrameType.ERROR))).toBe('frame_replayed');
    connection.close();
    const again = await BifrostSocket.open(server, credentials);
    again.socket.send(bytes);
    expect(codeOf(await again.next(FrameType.ERROR))).toBe('frame_replayed');
    again.close();
  });

  it('is acknowledged with its first position when it is kept and comes again, on this connection and the next', async () => {
    const credentials = await aliceDevice();
    const connection = await BifrostSocket.open(server, credentials);
    const bytes = signedFrame(credentials, { delivery: Delivery.STORED }, event);
    connection.socket.send(bytes);
    const { payload } = await connection.next(FrameType.ACK);
    connection.socket.send(bytes);
    expect((await connection.next(FrameType.ACK)).payload).toEqual(payload);
    connection.close();
    const again = await BifrostSocket.open(server, credentials);
    again.socket.send(bytes);
    expect((await again.next(FrameType.ACK)).payload).toEqual(payload);
    again.close();
  });

  it('is refused as frame_malformed when a byte of its layout is missing', async () => {
    expect(await answerTo(({ credentials }) => signedFrame(credentials, {}, event).subarray(0, -1))).toBe(
      'frame_malformed',
    );
  });

  it('is refused as frame_signature_wrong when a byte of its payload was changed', async () => {
    expect(
      await answerTo(({ credentials }) => {
        const bytes = signedFrame(credentials, {}, event);
        const last = bytes.length - 35;
        bytes[last] = (bytes[last] ?? 0) ^ 1;
        return bytes;
      }),
    ).toBe('frame_signature_wrong');
  });

  it('is refused as frame_version_unsupported when it speaks another version', async () => {
    expect(
      await answerTo(({ credentials }) => {
        const bytes = signedFrame(credentials, {}, event);
        bytes[3] = 9;
        return bytes;
      }),
    ).toBe('frame_version_unsupported');
  });

  it('is refused as frame_type_unexpected when its type is unknown or the server’s', async () => {
    for (const type of [FrameType.WELCOME, 22 as FrameType, 99 as FrameType]) {
      expect(await answerTo(({ credentials }) => signedFrame(credentials, { type }, event))).toBe(
        'frame_type_unexpected',
      );
    }
  });

  it('is refused as frame_malformed when it is text', async () => {
    const connection = await BifrostSocket.open(server, await aliceDevice());
    connection.socket.send('hello');
    expect(codeOf(await connection.next(FrameType.ERROR))).toBe('frame_malformed');
    connection.close();
  });

  it('ends the connection when it is larger than a frame may be', async () => {
    const connection = await BifrostSocket.open(server, await aliceDevice());
    connection.socket.send(new Uint8Array(FRAME_BYTES_MAX + 1));
    expect([1006, 1009]).toContain(await connection.closed());
  });

  it('ends the connection when it comes before HELLO', async () => {
    const connection = await BifrostSocket.connect(server, await aliceDevice());
    connection.send({}, event);
    expect(await connection.closed()).toBe(4400);
    expect(connection.closeReason).toBe('hello_required');
  });

  it('ends the connection when too many were wrong', async () => {
    const connection = await BifrostSocket.open(server, await aliceDevice());
    for (let count = 0; count < 25; count++) connection.socket.send(new Uint8Array([1, 2, 3]));
    expect(await connection.closed()).toBe(4400);
    expect(connection.closeReason).toBe('too_many_errors');
  });
});

describe('a refused frame', () => {
  it('leaves one line in the log, with its code and without secrets, and nothing in the stream', async () => {
    const credentials = await aliceDevice();
    const listener = await BifrostSocket.open(server, await aliceDevice());
    const connection = await BifrostSocket.open(server, credentials);
    connection.socket.send(
      signedFrame(
        { ...credentials, signingKey: world.bob.device.signingKey },
        { delivery: Delivery.STORED },
        event,
      ),
    );
    await connection.next(FrameType.ERROR);
    const lines = server.logs.filter(
      ({ fields }) => fields.deviceId === credentials.deviceId && 'code' in fields,
    );
    expect(lines.map(({ fields }) => fields.code)).toEqual(['frame_signature_wrong']);
    const everything = JSON.stringify(server.logs);
    for (const secret of [credentials.token, credentials.signingKey])
      expect(everything).not.toContain(secret);
    connection.send({ delivery: Delivery.STORED }, event);
    const ack = await connection.next(FrameType.ACK);
    const received = await listener.next(FrameType.EVENT);
    expect(received.header.sourceId).toBe(credentials.deviceId);
    expect(ack.header.correlationId).toBe(received.header.id);
    expect(listener.frames).toEqual([]);
    listener.close();
    connection.close();
  });
});
