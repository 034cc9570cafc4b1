import type { Client } from 'aedes';
import { expect, test } from 'vitest';
import { ClientSession } from '../../../server/platform/mqtt/client-session.ts';
import type { BrokerConnection } from '../../../server/platform/mqtt/connection.ts';
import { PACKET_BYTES_MAX, PACKET_PIECES_MAX } from '../../../server/platform/mqtt/limits.ts';
import { PacketStream } from '../../../server/platform/mqtt/mqtt5/packet-stream.ts';
import { OwnPackets } from '../../../server/platform/mqtt/own-packets.ts';
import type { PacketGate } from '../../../server/platform/mqtt/packet-gate.ts';
import type { MqttEndpoint } from '../../../server/platform/mqtt/types.ts';
import { keepingLogger } from '../../integration/http/server-under-test.ts';
import { field, PINGREQ, packet } from '../../integration/mqtt/server-under-test.ts';
import { keptOf } from '../../support/collected.ts';

const publish = (first: number, topic: string, id: number | null, payload: string) =>
  packet(first, field(topic), Buffer.from(id === null ? [] : [0, id]), Buffer.from(payload));
const puback = (id: number) => packet(0x40, Buffer.from([0, id]));

/** A reader with everything around it as a record of what it was told. */
function reader(published: MqttEndpoint<string>['published'] = async () => true, inWorkMax = 100) {
  const seen = { library: '', published: [] as string[], confirmed: [] as number[], signs: 0, ends: '' };
  const answers: Buffer[] = [];
  const client = {
    _parsingBatch: 0,
    _keepaliveTimer: { refresh: () => void seen.signs++ },
  };
  const gate = {
    destroyed: false,
    readableLength: 0,
    held: false,
    passOn: (bytes: Buffer) => {
      seen.library += bytes.toString('hex');
    },
    destroy: (error: Error) => {
      seen.ends = error.message;
    },
    hold: () => {
      gate.held = true;
    },
    release: () => {
      gate.held = false;
    },
  };
  const connect = { clientId: 'ann' };
  const state = new ClientSession<string>(gate as unknown as PacketGate, connect, null, inWorkMax);
  const own = new OwnPackets<string>({
    client: client as unknown as Client,
    state,
    session: 'ann',
    connection: {
      confirmedToken: (id: number) => id === 7 && seen.confirmed.push(id) > 0,
      answer: (bytes: Buffer) => void answers.push(bytes),
    } as unknown as BrokerConnection,
    endpoint: {
      mayPublish: (_session: string, topic: string) => topic === 'ann/up',
      published: (connection: never, session: string, topic: string, payload: Uint8Array) => {
        seen.published.push(Buffer.from(payload).toString());
        return published(connection, session, topic, payload);
      },
    } as unknown as MqttEndpoint<string>,
    logger: keepingLogger(),
  });
  return { own, client, gate, seen, answers };
}

/** What was begun has been answered. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

const OURS = [
  publish(0x32, 'ann/up', 1, 'one'),
  publish(0x30, 'ann/up', null, 'two'),
  puback(7),
  publish(0x3a, 'ann/up', 3, 'three'.repeat(60)),
];

test('publications to own topics and acknowledgements of own messages are served at every split', async () => {
  const bytes = Buffer.concat(OURS);
  for (let split = 0; split <= bytes.length; split++) {
    const { own, seen, answers } = reader();
    own.take(bytes.subarray(0, split));
    if (split < bytes.length) own.take(bytes.subarray(split));
    await settled();
    expect(seen).toEqual({
      library: '',
      published: ['one', 'two', 'three'.repeat(60)],
      confirmed: [7],
      signs: split === 0 || split === bytes.length ? seen.signs : 2,
      ends: '',
    });
    expect(Buffer.concat(answers)).toEqual(Buffer.concat([puback(1), puback(3)]));
    expect(own.isWaiting).toBe(false);
  }
});

test.each([
  ['of QoS 2', publish(0x34, 'ann/up', 1, 'x')],
  ['to a topic of others', publish(0x32, 'bob/up', 1, 'x')],
  ['of another type', PINGREQ],
  ['that acknowledges what is not ours', puback(8)],
])('a packet %s is for the library, and so is all that comes with it afterwards', async (_what, foreign) => {
  const { own, seen } = reader();
  const [first, ...later] = OURS as [Buffer, ...Buffer[]];
  own.take(Buffer.concat([first, foreign, ...later]));
  await settled();
  expect(seen.published).toEqual(['one']);
  expect(seen.library).toBe(Buffer.concat([foreign, ...later]).toString('hex'));
});

test('nothing overtakes what the library has not ended', async () => {
  for (const change of [{ _parsingBatch: 1 }, { readableLength: 10 }]) {
    const { own, client, gate, seen } = reader();
    Object.assign('readableLength' in change ? gate : client, change);
    own.take(OURS[0] as Buffer);
    expect([seen.published, seen.library, seen.signs]).toEqual([[], OURS[0]?.toString('hex'), 0]);
    Object.assign(client, { _parsingBatch: 0 });
    Object.assign(gate, { readableLength: 0 });
    own.take(OURS[1] as Buffer);
    expect(seen.published).toEqual(['two']);
  }
});

test('acknowledgements keep the order of the publications, however they end, and leave together', async () => {
  const ends: (() => void)[] = [];
  const { own, answers } = reader(() => new Promise((resolve) => ends.push(() => resolve(true))));
  for (const id of [1, 2, 3]) own.take(publish(0x32, 'ann/up', id, 'x'));
  ends[2]?.();
  ends[1]?.();
  await settled();
  expect(answers).toEqual([]);
  ends[0]?.();
  await settled();
  expect(answers).toEqual([Buffer.concat([puback(1), puback(2), puback(3)])]);
});

test.each(['3.1.1', '5'])(
  'a packet of MQTT %s that comes one byte at a time is kept in few pieces, and is whole',
  async (version) => {
    const payload = 'x'.repeat(2_000);
    const { own, seen } = reader();
    const stream = new PacketStream(PACKET_BYTES_MAX);
    const read: string[] = [];
    const take = (chunk: Buffer): void => {
      if (version === '3.1.1') own.take(chunk);
      else for (const one of stream.read(chunk)) read.push(String('payload' in one && one.payload));
    };
    const bytes = publish(0x30, 'ann/up', null, version === '5' ? `\0${payload}` : payload);
    const pieces: WeakRef<Buffer>[] = [];
    for (const byte of bytes.subarray(0, -1)) {
      const piece = Buffer.from([byte]);
      pieces.push(new WeakRef(piece));
      take(piece);
    }
    expect(await keptOf(pieces)).toBeLessThanOrEqual(PACKET_PIECES_MAX);
    take(bytes.subarray(-1));
    expect(version === '5' ? read : seen.published).toEqual([payload]);
  },
);

test('while too many publications are in work, nothing is read from the client', async () => {
  const ends: (() => void)[] = [];
  const { own, gate } = reader(() => new Promise((resolve) => ends.push(() => resolve(true))), 2);
  own.take(publish(0x32, 'ann/up', 1, 'x'));
  expect(gate.held).toBe(false);
  own.take(publish(0x32, 'ann/up', 2, 'x'));
  expect(gate.held).toBe(true);
  ends[0]?.();
  await settled();
  expect(gate.held).toBe(false);
});

test('a publication that is not taken ends the connection without PUBACK, but for QoS 0', async () => {
  const refusing = reader(async () => false);
  refusing.own.take(publish(0x30, 'ann/up', null, 'x'));
  await settled();
  expect(refusing.seen.ends).toBe('');
  refusing.own.take(publish(0x32, 'ann/up', 1, 'x'));
  await settled();
  expect([refusing.seen.ends, refusing.answers]).toEqual(['the publication was not taken', []]);
  const failing = reader(() => Promise.reject(new Error('the database is gone')));
  failing.own.take(publish(0x32, 'ann/up', 1, 'x'));
  await settled();
  expect([failing.seen.ends, failing.answers]).toEqual(['the publication could not be taken', []]);
});
