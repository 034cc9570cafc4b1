import net from 'node:net';
import mqtt from 'mqtt';
import { describe, expect, onTestFinished, test } from 'vitest';
import { WAITING_MESSAGES_MAX } from '../../../server/platform/mqtt/limits.ts';
import { createMqttServer } from '../../../server/platform/mqtt/server.ts';
import { roomyBudget } from '../../support/connection-budget.ts';
import { connectRaw, eventually, keepingLogger, type RawConnection } from '../http/server-under-test.ts';
import {
  connack,
  connectPacket,
  field,
  PINGREQ,
  PINGRESP,
  packet,
  type Seen,
  startBroker,
} from './server-under-test.ts';

async function connected(port: number, name: string): Promise<RawConnection> {
  const raw = await connectRaw(port, connectPacket(name));
  await eventually('CONNACK', () => raw.bytes().equals(connack(0)));
  return raw;
}

const MESSAGE_ID = Buffer.from([0, 1]);

test('publications of which the library reads some are acknowledged in their order [MQTT-4.6.0-2]', async () => {
  const { port } = await startBroker();
  const raw = await connected(port, 'ann');
  const publish = (id: number) => packet(0x32, field('ann/up'), Buffer.from([0, id]));
  raw.socket.write(Buffer.concat([publish(1), publish(2), PINGREQ, publish(3), publish(4)]));
  const acknowledged = () =>
    [
      ...raw
        .bytes()
        .toString('hex')
        .matchAll(/400200(..)/g),
    ].map(([, id]) => Number(id));
  await eventually('every PUBACK', () => acknowledged().length === 4);
  expect(acknowledged()).toEqual([1, 2, 3, 4]);
});

describe('a socket', () => {
  test('that says nothing of who it is costs a line in the log a second, however many there are', async () => {
    const { port, logger } = await startBroker();
    const sockets = await Promise.all(Array.from({ length: 50 }, () => connectRaw(port, PINGREQ)));
    await eventually('the ends', () => sockets.every(({ closed }) => closed()));
    const counts = () => logger.lines.map(({ fields }) => Number(fields.connections));
    await eventually('all in the log', () => counts().reduce((sum, count) => sum + count, 0) === 50);
    expect(counts().length).toBeLessThan(10);
  });

  test('that never sends CONNECT, or only a part of it, is closed after a while', async () => {
    const { port } = await startBroker({ connectTimeoutMs: 100 });
    const silent = await connectRaw(port);
    const half = await connectRaw(port, connectPacket('ann').subarray(0, 9));
    await eventually('the ends', () => silent.closed() && half.closed());
  });

  test('whose CONNECT arrives byte by byte is served', async () => {
    const { port } = await startBroker();
    const raw = await connectRaw(port);
    for (const byte of connectPacket('ann')) {
      raw.socket.write(Buffer.from([byte]));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await eventually('CONNACK', () => raw.bytes().equals(connack(0)));
  });

  test.each([
    ['MQTT 3.1', connectPacket('ann', { version: 3 }), 1],
    ['no client id for a lasting session', connectPacket('ann', { clientId: '', clean: false }), 2],
    ['protocol level 6', connectPacket('ann', { version: 6 }), 1],
    [
      'a client id that is not UTF-8',
      packet(0x10, field('MQTT'), Buffer.from([4, 2, 0, 60]), field(Buffer.from([0xff, 0xfe]))),
      2,
    ],
    ['a client id with U+0000', connectPacket('ann', { clientId: 'a\0b' }), 2],
    ['a client id of 200 letters', connectPacket('ann', { clientId: 'a'.repeat(200) }), 2],
    ['a wrong password', connectPacket('ann', { password: '' }), 4],
  ])('that asks for %s gets its return code and is closed', async (_what, bytes, returnCode) => {
    const { port, seen } = await startBroker();
    const raw = await connectRaw(port, bytes);
    await eventually('the end', raw.closed);
    expect(raw.bytes()).toEqual(connack(returnCode));
    expect(seen.events).toEqual([]);
  });

  test('that asks for MQTT 5 with a wrong password learns so in its words', async () => {
    const { port } = await startBroker();
    const error = await new Promise<Error>((resolve) => {
      const client = mqtt.connect(`mqtt://127.0.0.1:${port}`, { protocolVersion: 5, reconnectPeriod: 0 });
      client.once('error', resolve);
      onTestFinished(() => void client.end(true));
    });
    expect(error).toMatchObject({ code: 0x86, message: 'Connection refused: Bad User Name or Password' });
  });

  test.each([
    ['something else before CONNECT', PINGREQ],
    ['a CONNECT of 5,000 bytes', connectPacket('ann', { password: 'x'.repeat(5_000) })],
    ['the announcement of a CONNECT of 256 MB', Buffer.from([0x10, 0xff, 0xff, 0xff, 0x7f])],
    ['a length of five bytes', Buffer.from([0x10, 0x80, 0x80, 0x80, 0x80, 0x01])],
    ['an unknown protocol', packet(0x10, field('HTTP'), Buffer.from([4, 2, 0, 60]), field('a'))],
    ['HTTP', Buffer.from('GET / HTTP/1.1\r\nHost: a\r\n\r\n')],
    ['the reserved connect flag', packet(0x10, field('MQTT'), Buffer.from([4, 3, 0, 60]), field('a'))],
  ])('that sends %s is cut without an answer', async (_what, bytes) => {
    const { port, seen } = await startBroker();
    const raw = await connectRaw(port, bytes);
    await eventually('the cut', raw.closed);
    expect(raw.bytes()).toHaveLength(0);
    expect(seen.events).toEqual([]);
  });
});

describe('a connected client', () => {
  test.each([
    ['a second CONNECT', connectPacket('ann')],
    ['a packet type that doesn’t exist', Buffer.from([0x00, 0x00])],
    ['a packet only servers send', Buffer.from([0x20, 0x02, 0x00, 0x00])],
    ['a publication of QoS 3', packet(0x36, field('ann/up'), MESSAGE_ID)],
    ['a publication without a topic', packet(0x30, field(''))],
    ['a publication to a wildcard', packet(0x30, field('ann/+'))],
    ['a topic longer than its packet', packet(0x30, Buffer.from([0xff, 0xff, 0x61]))],
    ['a publication without a packet id', packet(0x32, field('ann/up'))],
    ['a subscription with wrong flags', packet(0x80, MESSAGE_ID, field('ann/down'), Buffer.from([1]))],
    ['a subscription to nothing', packet(0x82, MESSAGE_ID, field(''), Buffer.from([1]))],
    ['a subscription to a misplaced wildcard', packet(0x82, MESSAGE_ID, field('a/#/b'), Buffer.from([1]))],
    [
      'a subscription of 200 levels',
      packet(0x82, MESSAGE_ID, field(`a${'/a'.repeat(199)}`), Buffer.from([1])),
    ],
    ['a publication of QoS 0 as a repetition', packet(0x38, field('ann/up'))],
    ['a topic that is not UTF-8', packet(0x30, field(Buffer.from([0x61, 0xff])))],
    ['a subscription of id 0', packet(0x82, Buffer.from([0, 0]), field('ann/down'), Buffer.from([1]))],
    ['an unsubscription from nothing', packet(0xa2, MESSAGE_ID)],
    ['the announcement of 256 MB', Buffer.from([0x30, 0xff, 0xff, 0xff, 0x7f])],
    ['more than a packet may have', packet(0x30, field('ann/up'), Buffer.alloc(265_000))],
  ])('that sends %s is cut, and others stay', async (_what, bytes) => {
    const { port, seen, logger } = await startBroker();
    const other = await connected(port, 'bob');
    const raw = await connected(port, 'ann');
    raw.socket.write(bytes);
    await eventually('the cut', raw.closed);
    await eventually('the news', () => seen.events.includes('disconnected ann'));
    other.socket.write(PINGREQ);
    await eventually('PINGRESP', () => other.bytes().subarray(4).equals(PINGRESP));
    expect(seen.published).toEqual([]);
    expect(logger.lines.filter((line) => line.level === 'error')).toEqual([]);
  });

  test('that acknowledges what nobody sent is not minded', async () => {
    const { port, seen } = await startBroker();
    const raw = await connected(port, 'ann');
    raw.socket.write(
      Buffer.concat([packet(0x40, Buffer.from([0x12, 0x34])), packet(0x62, MESSAGE_ID), PINGREQ]),
    );
    await eventually('PINGRESP', () => raw.bytes().includes(PINGRESP));
    expect(seen.acknowledged).toEqual([]);
  });

  test('that is silent longer than its keep-alive is cut', async () => {
    const { port, seen } = await startBroker();
    const raw = await connectRaw(port, connectPacket('ann', { keepAlive: 1 }));
    await eventually('the cut', raw.closed);
    await eventually('the news', () => seen.events.includes('disconnected ann'));
  });

  test('that repeats a QoS 2 publication before PUBREL is heard once', async () => {
    const { port, seen } = await startBroker();
    const raw = await connected(port, 'ann');
    const publish = (first: number) => packet(first, field('ann/up'), Buffer.from([0, 7]), Buffer.from('x'));
    raw.socket.write(publish(0x34));
    await eventually('PUBREC', () =>
      raw
        .bytes()
        .subarray(4)
        .equals(Buffer.from([0x50, 2, 0, 7])),
    );
    raw.socket.write(publish(0x3c));
    await eventually('PUBREC', () => raw.bytes().length === 12);
    raw.socket.write(Buffer.from([0x62, 2, 0, 7]));
    await eventually('PUBCOMP', () =>
      raw
        .bytes()
        .subarray(12)
        .equals(Buffer.from([0x70, 2, 0, 7])),
    );
    expect(seen.published).toHaveLength(1);
    raw.socket.write(publish(0x34));
    await eventually('PUBREC', () => raw.bytes().length === 20);
    expect(seen.published).toHaveLength(2);
  });

  test('that leaves QoS 2 handshakes open without end is cut', async () => {
    const { port } = await startBroker();
    const raw = await connected(port, 'ann');
    for (let id = 1; id <= 600; id++) {
      raw.socket.write(packet(0x34, field('ann/up'), Buffer.from([id >> 8, id & 255])));
    }
    await eventually('the cut', raw.closed);
  });

  test.each(['at once', 'in a trickle'])(
    'that publishes faster than the endpoint keeps, %s, is no longer read, and nothing is lost',
    async (manner) => {
      const waiting: (() => void)[] = [];
      let [inWork, most, taken] = [0, 0, 0];
      const { port } = await startBroker(
        { incomingMessagesMax: 10 },
        {
          published: async () => {
            most = Math.max(most, ++inWork);
            await new Promise<void>((resolve) => waiting.push(resolve));
            inWork--;
            taken++;
            return true;
          },
        },
      );
      const raw = await connected(port, 'ann');
      const publication = packet(0x32, field('ann/up'), MESSAGE_ID, Buffer.alloc(300));
      const count = 1_500;
      if (manner === 'at once') raw.socket.write(Buffer.concat(Array(count).fill(publication)));
      else {
        for (let sent = 0; sent < count; sent++) {
          raw.socket.write(publication);
          await new Promise((resolve) => setImmediate(resolve));
        }
      }
      await eventually('work', () => waiting.length >= 10);
      await eventually('every acknowledgement', () => {
        for (const keep of waiting.splice(0)) keep();
        return taken === count && raw.bytes().length === 4 + 4 * count;
      });
      // What was read in one piece may exceed the limit: 64 KiB.
      expect(most).toBeLessThan(10 + 2 * Math.ceil(65_536 / publication.length));
    },
  );

  test('that reads nothing is cut before its backlog grows, and others are served meanwhile', async () => {
    const { port, connect, subscribe, seen, logger } = await startBroker({ outgoingBytesMax: 500_000 });
    const frozen = await connect('ann');
    const connection = await subscribe(frozen, 'ann');
    frozen.stream.pause();
    const healthy = await connect('bob');
    const other = await subscribe(healthy, 'bob');
    const payload = Buffer.alloc(50_000);
    let delivered = 0;
    while (connection.deliver('ann/down', payload)) {
      delivered++;
      expect(other.deliver('bob/down', Buffer.from('x'), delivered)).toBe(true);
      await eventually('the other’s acknowledgement', () => seen.acknowledged.includes(delivered));
      expect(delivered).toBeLessThan(1_000);
    }
    await eventually('the news', () => seen.events.includes('disconnected ann'));
    expect(logger.lines.map((line) => line.message)).toEqual(['an MQTT client does not read: cut']);
    expect((await connectRaw(port)).closed()).toBe(false);
  });

  test('that takes nothing for the drain time is cut, even if nothing more is delivered', async () => {
    const { connect, subscribe, seen } = await startBroker({
      drainTimeoutMs: 100,
      outgoingBytesMax: 50_000_000,
    });
    const frozen = await connect('ann');
    const connection = await subscribe(frozen, 'ann');
    frozen.stream.pause();
    for (let count = 0; count < 400; count++) connection.deliver('ann/down', Buffer.alloc(50_000));
    await eventually('the news', () => seen.events.includes('disconnected ann'));
  });

  test('that leaves its messages unacknowledged gets no more until it does, then the next in their order', async () => {
    const { port, seen } = await startBroker({ unacknowledgedMessagesMax: 3 });
    const raw = await connected(port, 'ann');
    const connection = await subscribedRaw(raw, seen);
    for (const token of [1, 2, 3, 4, 5])
      expect(connection.deliver('ann/down', Buffer.from(`${token}`), token)).toBe(true);
    await eventually('three messages', () => raw.bytes().length === 4 + 5 + 3 * MESSAGE_BYTES);
    raw.socket.write(Buffer.from([0x40, 2, 0, 2]));
    await eventually('the acknowledgement', () => seen.acknowledged.length === 1);
    expect(seen.acknowledged).toEqual([2]);
    await eventually('the next message', () => raw.bytes().length === 4 + 5 + 4 * MESSAGE_BYTES);
    expect(connection.deliver('ann/down', Buffer.from('6'), 6)).toBe(true);
    for (const id of [1, 3, 4]) raw.socket.write(Buffer.from([0x40, 2, 0, id]));
    await eventually('all messages', () => raw.bytes().length === 4 + 5 + 6 * MESSAGE_BYTES);
    const payloads = [...raw.bytes().subarray(9)].filter((_, at) => at % MESSAGE_BYTES === MESSAGE_BYTES - 1);
    expect(String.fromCharCode(...payloads)).toBe('123456');
    expect(seen.acknowledged).toEqual([2, 1, 3, 4]);
  });

  test('that leaves its messages unacknowledged has so many wait, and is refused more', async () => {
    const { port, seen } = await startBroker({ unacknowledgedMessagesMax: 1 });
    const raw = await connected(port, 'ann');
    const connection = await subscribedRaw(raw, seen);
    const results = Array.from({ length: WAITING_MESSAGES_MAX + 2 }, (_, token) =>
      connection.deliver('ann/down', Buffer.alloc(1), token + 1),
    );
    expect(results.indexOf(false)).toBe(WAITING_MESSAGES_MAX + 1);
  });
});

/** What a message of one byte to `ann/down` takes with QoS 1. */
const MESSAGE_BYTES = 15;

/** The connection of `ann`, once its subscription is in force. */
async function subscribedRaw(raw: Awaited<ReturnType<typeof connected>>, seen: Seen) {
  raw.socket.write(packet(0x82, MESSAGE_ID, field('ann/down'), Buffer.from([1])));
  return await eventually('the subscription', () =>
    seen.events.includes('subscribed ann ann/down') ? seen.connections.get('ann') : undefined,
  );
}

test('a client that goes away while it is authenticated is told of as gone', async () => {
  let decide: (() => void) | undefined;
  const { port, seen } = await startBroker(
    {},
    {
      authenticate: ({ username }) =>
        new Promise((resolve) => {
          decide = () => resolve(username);
        }),
    },
  );
  const raw = await connectRaw(port, connectPacket('ann'));
  await eventually('the question', () => decide);
  raw.socket.destroy();
  await eventually('the end', raw.closed);
  await new Promise((resolve) => setImmediate(resolve));
  decide?.();
  await eventually('the news', () => seen.events.includes('disconnected ann'));
  expect(seen.events).toEqual(['disconnected ann']);
});

test('what a client sends before CONNACK is served after it', async () => {
  const { port, seen } = await startBroker();
  const raw = await connectRaw(
    port,
    Buffer.concat([
      connectPacket('ann'),
      packet(0x82, MESSAGE_ID, field('ann/down'), Buffer.from([1])),
      packet(0x32, field('ann/up'), Buffer.from([0, 2]), Buffer.from('x')),
    ]),
  );
  await eventually('CONNACK, SUBACK, PUBACK', () => raw.bytes().length === 4 + 5 + 4);
  expect(seen.published).toHaveLength(1);
});

test('random bytes, alone and after a CONNECT, end their own connection at most', async () => {
  const { port, connect } = await startBroker({ connectTimeoutMs: 300 });
  const seed = Date.now() % 2 ** 31;
  let state = seed;
  const random = () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 8) / 2 ** 24;
  };
  for (let round = 0; round < 150; round++) {
    const noise = Buffer.from(
      Array.from({ length: 1 + Math.floor(random() * 60) }, () => Math.floor(random() * 256)),
    );
    const raw = await connectRaw(
      port,
      round % 2 ? Buffer.concat([connectPacket(`n${round}`), noise]) : noise,
    );
    raw.socket.end();
  }
  const client = await connect('ann');
  await client.publishAsync('ann/up', `seed ${seed}`, { qos: 1 });
});

test('more connections than allowed are turned away', async () => {
  const { port, logger } = await startBroker(
    { connectionsMax: 2 },
    { ownerOf: (name) => ({ deviceId: name, tenantId: name }) },
  );
  const first = await connected(port, 'ann');
  await connected(port, 'bob');
  const third = await connectRaw(port, connectPacket('eve'));
  await eventually('the cut', third.closed);
  expect(first.closed()).toBe(false);
  expect(logger.lines.map((line) => line.message)).toEqual(['connections were cut or refused']);
});

test('a port in use is refused with the reason', async () => {
  const other = net.createServer();
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void other.close());
  const { port } = other.address() as net.AddressInfo;
  const endpoint = {} as never;
  const server = createMqttServer(
    { host: '127.0.0.1', port },
    { endpoint, budget: roomyBudget(), tls: null, logger: keepingLogger(), newClientId: () => 'id' },
  );
  await expect(server.listen()).rejects.toThrow(
    `MQTT can't listen on 127.0.0.1:${port}: the port is in use by another program`,
  );
});

test('closing ends every connection and frees the port', async () => {
  const { server, port, seen } = await startBroker();
  const raw = await connected(port, 'ann');
  const unnamed = await connectRaw(port);
  await server.close();
  await eventually('the ends', () => raw.closed() && unnamed.closed());
  expect(seen.events).toEqual(['connected ann', 'disconnected ann']);
  const again = createMqttServer(
    { host: '127.0.0.1', port },
    {
      endpoint: {} as never,
      budget: roomyBudget(),
      tls: null,
      logger: keepingLogger(),
      newClientId: () => 'id',
    },
  );
  await again.listen();
  await again.close();
});
