import { expect, it } from 'vitest';
import {
  LargePackets,
  type LargePublication,
} from '../../../server/platform/mqtt/foreign-broker/large-packets.ts';

function guard(bytesMax: number) {
  const found: LargePublication[] = [];
  return { found, packets: new LargePackets(bytesMax, (publication) => void found.push(publication)) };
}

/** A PUBLISH of QoS 1 whose payload has so many bytes. */
function publication(topic: string, messageId: number, payloadBytes: number): Buffer {
  const body = Buffer.concat([
    Buffer.from([0, topic.length]),
    Buffer.from(topic),
    Buffer.from([messageId >> 8, messageId & 255]),
    Buffer.alloc(payloadBytes, 'x'),
  ]);
  const length: number[] = [];
  for (let rest = body.length; length.length === 0 || rest > 0; rest = Math.floor(rest / 128))
    length.push((rest % 128) + (rest >= 128 ? 128 : 0));
  return Buffer.concat([Buffer.from([0x32, ...length]), body]);
}

it('lets through what is small, and throws away what is large, at every split', () => {
  const small = publication('a', 7, 20);
  const stream = Buffer.concat([
    small,
    publication('large/topic', 0x1234, 60),
    small,
    Buffer.from([0xd0, 0]),
  ]);
  for (let split = 0; split <= stream.length; split++) {
    const { packets, found } = guard(40);
    const passed = [packets.pass(stream.subarray(0, split)), packets.pass(stream.subarray(split))];
    expect(Buffer.concat(passed)).toEqual(Buffer.concat([small, small, Buffer.from([0xd0, 0])]));
    expect(found).toEqual([{ topic: 'large/topic', bytes: 77, messageId: 0x1234 }]);
  }
});

it('throws 256 MB away as they come, and knows what they were', () => {
  const { packets, found } = guard(264_192);
  const head = Buffer.from([0x32, 0xff, 0xff, 0xff, 0x7f, 0, 1, 0x61, 0, 9]);
  packets.pass(head);
  const part = Buffer.alloc(65_536);
  let left = 268_435_455 - 5;
  while (left > 0) {
    expect(packets.pass(part.subarray(0, Math.min(left, part.length)))).toHaveLength(0);
    left -= part.length;
  }
  expect(found).toEqual([{ topic: 'a', bytes: 268_435_460, messageId: 9 }]);
  expect(packets.pass(Buffer.from([0xd0, 0]))).toEqual(Buffer.from([0xd0, 0]));
});

it.each([
  ['a SUBACK of 256 MB', [0x90, 0xff, 0xff, 0xff, 0x7f]],
  ['a length of five bytes', [0x30, 0xff, 0xff, 0xff, 0xff]],
])('refuses %s', (_what, bytes) => {
  expect(() => guard(264_192).packets.pass(Buffer.from(bytes))).toThrow();
});
