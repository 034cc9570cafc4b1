import { createRequire } from 'node:module';
import { expect, test } from 'vitest';
import { PacketFramer } from '../../../server/platform/mqtt/packet-framer.ts';
import { encodePublish } from '../../../server/platform/mqtt/publish-packet.ts';

const CONNECT = Buffer.from([0x10, 3, 1, 2, 3]);
const LONG = Buffer.concat([Buffer.from([0x30, 0xac, 0x02]), Buffer.alloc(300, 0xff)]);
const stream = Buffer.concat([CONNECT, Buffer.from([0xc0, 0]), LONG, Buffer.from([0xe0, 0])]);

test('whole packets pass at every split, and byte by byte', () => {
  for (let split = 0; split <= stream.length; split++) {
    const framer = new PacketFramer(100, 300);
    expect([framer.violation(stream.subarray(0, split)), framer.violation(stream.subarray(split))]).toEqual([
      null,
      null,
    ]);
  }
  const framer = new PacketFramer(100, 300);
  for (const byte of stream) expect(framer.violation(Buffer.from([byte]))).toBeNull();
});

test('a packet beyond the limit is noticed at its length, at every split', () => {
  const announced = stream.length - LONG.length - 2 + 3;
  for (let split = 0; split <= announced; split++) {
    const framer = new PacketFramer(100, 299);
    const parts = [
      framer.violation(stream.subarray(0, split)),
      framer.violation(stream.subarray(split, announced)),
    ];
    expect(parts).toContain('a packet of more than 299 bytes');
  }
});

test.each([
  ['the first packet is not CONNECT', Buffer.from([0xc0])],
  ['a packet of more than 100 bytes', Buffer.from([0x10, 101])],
  ['a packet of more than 100 bytes', Buffer.from([0x10, 0xff, 0xff])],
  ['a packet length of more than four bytes', Buffer.from([0x10, 0x80, 0x80, 0x80, 0x80])],
])('"%s" is said of %j', (reason, bytes) => {
  expect(new PacketFramer(100, 300).violation(bytes)).toBe(reason);
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
