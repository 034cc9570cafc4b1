import { createRequire } from 'node:module';
import { describe, expect, test } from 'vitest';
import { PacketFramer } from '../../../server/platform/mqtt/packet-framer.ts';
import { encodePublish } from '../../../server/platform/mqtt/publish-packet.ts';
import { connectPacket, field, packet } from '../../integration/mqtt/server-under-test.ts';

const CONNECT = connectPacket('ann');
const LONG = packet(0x30, field('up'), Buffer.alloc(296, 0xff));
const stream = Buffer.concat([CONNECT, Buffer.from([0xc0, 0]), LONG, Buffer.from([0xe0, 0])]);

test('whole packets pass at every split, and byte by byte', () => {
  for (let split = 0; split <= stream.length; split++) {
    const framer = new PacketFramer(100, 300);
    expect([framer.findFault(stream.subarray(0, split)), framer.findFault(stream.subarray(split))]).toEqual([
      null,
      null,
    ]);
  }
  const framer = new PacketFramer(100, 300);
  for (const byte of stream) expect(framer.findFault(Buffer.from([byte]))).toBeNull();
});

test('a packet beyond the limit is noticed at its length, at every split', () => {
  const announced = stream.length - LONG.length - 2 + 3;
  for (let split = 0; split <= announced; split++) {
    const framer = new PacketFramer(100, 299);
    const parts = [
      framer.findFault(stream.subarray(0, split)),
      framer.findFault(stream.subarray(split, announced)),
    ];
    expect(parts.map((fault) => fault?.reason)).toContain('a packet of more than 299 bytes');
  }
});

test.each([
  ['the first packet is not CONNECT', Buffer.from([0xc0])],
  ['a packet of more than 100 bytes', Buffer.from([0x10, 101])],
  ['a packet of more than 100 bytes', Buffer.from([0x10, 0xff, 0xff])],
  ['a packet length of more than four bytes', Buffer.from([0x10, 0x80, 0x80, 0x80, 0x80])],
])('"%s" is said of %j', (reason, bytes) => {
  expect(new PacketFramer(100, 300).findFault(bytes)?.reason).toContain(reason);
});

const ID = Buffer.from([0, 1]);
const ZERO = Buffer.from([0, 0]);
const QOS_1 = Buffer.from([1]);
const BROKEN_UTF8 = [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0x61, 0xc3]].map(
  (bytes) => Buffer.from(bytes),
);

/** CONNECT of these flags, with what follows the keep-alive. */
const connect = (flags: number, ...payload: Uint8Array[]) =>
  packet(0x10, field('MQTT'), Buffer.from([4, flags, 0, 60]), ...payload);

/** The fault of bytes after a CONNECT, or of a CONNECT; the same at every split. */
function faultOf(bytes: Buffer) {
  const isConnect = (bytes[0] ?? 0) >> 4 === 1;
  const faults = Array.from({ length: bytes.length + 1 }, (_, split) => {
    const framer = new PacketFramer(4_096, 300_000);
    if (!isConnect) framer.findFault(CONNECT);
    return framer.findFault(bytes.subarray(0, split)) ?? framer.findFault(bytes.subarray(split));
  });
  const [first] = faults;
  for (const fault of faults) expect(fault).toEqual(first);
  return first ?? null;
}

describe('a packet of MQTT 3.1.1 passes:', () => {
  test.each([
    [
      'CONNECT with everything',
      connect(0xf6, field('ann'), field('w/t'), field('gone'), field('ann'), field('x')),
    ],
    ['CONNECT with an empty client id', connect(2, field(''))],
    ['CONNECT with a user name alone', connect(0x82, field('ann'), field('ann'))],
    ['PUBLISH of QoS 0', packet(0x30, field('a/b'), Buffer.from('x'))],
    ['PUBLISH of QoS 0 with nothing in it', packet(0x30, field('a'))],
    ['PUBLISH of QoS 2, again', packet(0x3d, field('bifröst'), ID)],
    ['PUBACK', packet(0x40, ID)],
    ['PUBREC', packet(0x50, ID)],
    ['PUBREL', packet(0x62, ID)],
    ['PUBCOMP', packet(0x70, ID)],
    ['SUBSCRIBE', packet(0x82, ID, field('+/a/+'), QOS_1, field('#'), QOS_1, field('a/#'), QOS_1)],
    ['UNSUBSCRIBE', packet(0xa2, ID, field('a'), field('b'))],
    ['PINGREQ', packet(0xc0)],
    ['DISCONNECT', packet(0xe0)],
  ])('%s', (_what, bytes) => {
    expect(faultOf(bytes)).toBeNull();
  });
});

describe('a packet is refused:', () => {
  test.each<[string, string, Buffer]>([
    ['MQTT-2.2.2-2', 'reserved flags of CONNECT', Buffer.concat([Buffer.from([0x11]), CONNECT.subarray(1)])],
    ['MQTT-2.2.2-2', 'reserved flags of PUBACK', packet(0x41, ID)],
    ['MQTT-2.2.2-2', 'PUBREL without its flag', packet(0x60, ID)],
    ['MQTT-2.2.2-2', 'SUBSCRIBE without its flag', packet(0x80, ID, field('a'), QOS_1)],
    ['MQTT-2.2.2-2', 'UNSUBSCRIBE without its flag', packet(0xa0, ID, field('a'))],
    ['MQTT-2.2.2-2', 'reserved flags of PINGREQ', packet(0xc1)],
    ['MQTT-2.2.2-2', 'reserved flags of DISCONNECT', packet(0xe8)],
    ...[0, 2, 9, 11, 13, 15].map((type): [string, string, Buffer] => [
      `type ${type}`,
      `type ${type}`,
      packet(type << 4, ID),
    ]),
    ['MQTT-3.1.0-2', 'a second CONNECT', Buffer.concat([CONNECT, CONNECT])],
    ['MQTT-3.1.2-1', 'another protocol', packet(0x10, field('HTTP'), Buffer.from([4, 2, 0, 60]), field('a'))],
    ['MQTT-3.1.2-3', 'the reserved connect flag', connect(3, field('a'))],
    ['MQTT-3.1.2-13', 'a will QoS without a will', connect(0x0a, field('a'))],
    ['MQTT-3.1.2-14', 'a will of QoS 3', connect(0x1e, field('a'), field('t'), field('m'))],
    ['MQTT-3.1.2-15', 'a retained will without a will', connect(0x22, field('a'))],
    ['MQTT-3.1.2-22', 'a password without a user name', connect(0x42, field('a'), field('x'))],
    ['without an end', 'a password that is missing', connect(0xc2, field('a'), field('ann'))],
    ['without an end', 'a client id that is missing', connect(2)],
    ['bytes behind', 'bytes behind CONNECT', connect(2, field('a'), Buffer.from([1]))],
    ['MQTT-3.3.1-2', 'DUP with QoS 0', packet(0x38, field('a'))],
    ['MQTT-3.3.1-4', 'PUBLISH of QoS 3', packet(0x36, field('a'), ID)],
    ['MQTT-3.3.2-2', 'PUBLISH to +', packet(0x30, field('a/+'))],
    ['MQTT-3.3.2-2', 'PUBLISH to #', packet(0x30, field('a#'))],
    ['MQTT-4.7.3-1', 'PUBLISH to nothing', packet(0x30, field(''))],
    ['MQTT-1.5.3-2', 'PUBLISH to U+0000', packet(0x30, field('a\0b'))],
    ['without an end', 'PUBLISH with a topic longer than it', packet(0x30, Buffer.from([0, 9, 97]))],
    ['MQTT-2.3.1-1', 'PUBLISH of QoS 1 with id 0', packet(0x32, field('a'), ZERO)],
    ['MQTT-2.3.1-1', 'PUBLISH of QoS 1 without an id', packet(0x32, field('a'))],
    ['MQTT-2.3.1-1', 'PUBACK of id 0', packet(0x40, ZERO)],
    ['MQTT-2.3.1-1', 'PUBACK of half an id', packet(0x40, Buffer.from([1]))],
    ['bytes behind', 'bytes behind PUBACK', packet(0x40, ID, ID)],
    ['MQTT-2.3.1-1', 'SUBSCRIBE of id 0', packet(0x82, ZERO, field('a'), QOS_1)],
    ['MQTT-3.8.3-3', 'SUBSCRIBE without filters', packet(0x82, ID)],
    ['MQTT-3.8.3-4', 'SUBSCRIBE with QoS 3', packet(0x82, ID, field('a'), Buffer.from([3]))],
    ['MQTT-3.8.3-4', 'SUBSCRIBE with reserved bits', packet(0x82, ID, field('a'), Buffer.from([0x41]))],
    ['MQTT-3.8.3-4', 'SUBSCRIBE without a QoS', packet(0x82, ID, field('a'))],
    ['MQTT-4.7.3-1', 'SUBSCRIBE to nothing', packet(0x82, ID, field(''), QOS_1)],
    ['MQTT-4.7.1-2', 'SUBSCRIBE with # in the middle', packet(0x82, ID, field('a/#/b'), QOS_1)],
    ['MQTT-4.7.1-2', 'SUBSCRIBE with # behind a letter', packet(0x82, ID, field('a#'), QOS_1)],
    ['MQTT-4.7.1-3', 'SUBSCRIBE with + beside a letter', packet(0x82, ID, field('+a'), QOS_1)],
    ['MQTT-2.3.1-1', 'UNSUBSCRIBE of id 0', packet(0xa2, ZERO, field('a'))],
    ['MQTT-3.10.3-2', 'UNSUBSCRIBE without filters', packet(0xa2, ID)],
    ['bytes behind', 'PINGREQ with a body', packet(0xc0, ID)],
    ['bytes behind', 'DISCONNECT with a body', packet(0xe0, ID)],
    ...BROKEN_UTF8.flatMap((text): [string, string, Buffer][] => [
      ['MQTT-1.5.3-1', `PUBLISH to ${text.toString('hex')}`, packet(0x30, field(text))],
      ['MQTT-1.5.3-1', `SUBSCRIBE to ${text.toString('hex')}`, packet(0x82, ID, field(text), QOS_1)],
      ['MQTT-1.5.3-1', `UNSUBSCRIBE from ${text.toString('hex')}`, packet(0xa2, ID, field(text))],
      ['MQTT-3.1.3-11', `the user name ${text.toString('hex')}`, connect(0x82, field('a'), field(text))],
      [
        'MQTT-3.1.3-10',
        `the will topic ${text.toString('hex')}`,
        connect(6, field('a'), field(text), field('')),
      ],
    ]),
  ])('[%s] %s', (rule, _what, bytes) => {
    expect(faultOf(bytes)?.reason).toContain(rule);
    expect(faultOf(bytes)?.answer).toBeUndefined();
  });

  test.each([0, 3, 6, 0x84, 255])('[MQTT-3.1.2-2] protocol level %i, with CONNACK 1', (level) => {
    const bytes = packet(0x10, field('MQTT'), Buffer.from([level, 2, 0, 60]), field('a'));
    expect(faultOf(bytes)?.answer).toEqual([0x20, 2, 0, 1]);
  });

  test.each([...BROKEN_UTF8, Buffer.from('a\0b')])('[MQTT-3.1.3-9] client id %j, with CONNACK 2', (text) => {
    expect(faultOf(connect(2, field(text)))?.answer).toEqual([0x20, 2, 0, 2]);
  });
});

test('a CONNECT of MQTT 5 is left to its own reader, with all that follows, once it is whole', () => {
  const framer = new PacketFramer(4_096, 300_000);
  const bytes = packet(0x10, field('MQTT'), Buffer.from([5, 2, 0, 60, 0]), field('a'));
  expect([framer.findFault(bytes.subarray(0, -1)), framer.level]).toEqual([null, null]);
  expect([framer.findFault(Buffer.concat([bytes.subarray(-1), Buffer.alloc(9)])), framer.level]).toEqual([
    null,
    5,
  ]);
  expect(new PacketFramer(4_096, 300_000).level).toBeNull();
});

test('a packet other than PUBLISH is not collected beyond its limit', () => {
  const framer = new PacketFramer(4_096, 300_000);
  framer.findFault(CONNECT);
  expect(framer.findFault(Buffer.from([0x82, 0x81, 0x80, 0x01]))?.reason).toBe(
    'a packet of more than 16384 bytes',
  );
});

interface Parsed {
  readonly cmd: string;
  readonly topic: string;
  readonly qos: number;
  readonly messageId: number | undefined;
  readonly payload: Buffer;
  readonly retain: boolean;
  readonly dup: boolean;
}

test.each([0, 1, 100, 127, 128, 16_300, 16_384, 300_000])(
  'a publication of %i bytes is read by a foreign parser as it was meant',
  (payloadBytes) => {
    // The parser of the broker library, a dependency of it only.
    const require = createRequire(createRequire(import.meta.url).resolve('mqtt'));
    const { parser } = require('mqtt-packet') as {
      parser(): { on(event: 'packet', read: (packet: Parsed) => void): void; parse(bytes: Buffer): void };
    };
    for (const messageId of [null, 1, 65_535]) {
      const payload = Buffer.alloc(payloadBytes, 7);
      const packets: Parsed[] = [];
      const reader = parser();
      reader.on('packet', (packet) => packets.push(packet));
      reader.parse(encodePublish('bifröst/down', payload, messageId));
      expect(packets).toHaveLength(1);
      expect(packets[0]).toMatchObject({
        cmd: 'publish',
        topic: 'bifröst/down',
        qos: messageId === null ? 0 : 1,
        retain: false,
        dup: false,
      });
      expect(packets[0]?.messageId ?? null).toBe(messageId);
      expect(packets[0]?.payload.equals(payload)).toBe(true);
    }
  },
);
