import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  completeFrame,
  Delivery,
  Event,
  encodeFrame,
  encodePayload,
  FRAME_BYTES_MAX,
  FrameError,
  type FrameSigner,
  FrameType,
  parseUuid,
  readFrame,
  recurringUuidFromBytes,
  uuidFromBytes,
  uuidToBytes,
  yggdrasil,
} from '../../../proto/index.ts';
import { header, uuid } from '../../support/frames.ts';

const sign: FrameSigner = (signed, frame, start) => {
  frame.set(createHmac('sha256', 'key').update(signed).digest(), start);
};
// A plain Uint8Array, not Node's Buffer, so that comparing it compares bytes only.
const payload = Uint8Array.from(
  encodePayload(Event, { name: 'sensor.temperature', value: { number: 21.5 } }),
);
const directed = header({
  delivery: Delivery.STORED,
  destinationId: uuid(4),
  correlationId: uuid(5),
  nonce: 2 ** 53 - 1,
});

const refusal = (bytes: Uint8Array): string => {
  try {
    readFrame(bytes);
  } catch (error) {
    if (error instanceof FrameError) return error.code;
    throw error;
  }
  return 'accepted';
};

describe('readFrame', () => {
  it('gives back header and payload of an encoded frame', () => {
    const frame = readFrame(encodeFrame(directed, payload, sign));
    expect(frame.header).toEqual({ version: 1, madeByServer: false, ...directed });
    expect(frame.payload).toEqual(payload);
    expect(frame.streamOffset).toBe(0);
  });

  it('gives null for ids that are not set', () => {
    const { header: read } = readFrame(encodeFrame(header(), payload, sign));
    expect(read.destinationId).toBeNull();
    expect(read.correlationId).toBeNull();
  });

  it('says of a frame whether the server made it for its source', () => {
    const made = { ...directed, madeByServer: true };
    const bytes = encodeFrame(made, payload, sign);
    expect(readFrame(bytes).header).toEqual({ version: 1, ...made });
    expect(yggdrasil.v1.Frame.decode(bytes).header?.madeByServer).toBe(true);
    const flag = bytes.lastIndexOf(1, bytes.indexOf(0x50) + 1);
    expect([bytes[flag - 1], refusal(bytes.with(flag, 2))]).toEqual([0x50, 'frame_malformed']);
  });

  it('views payload, signed bytes and signature in place', () => {
    const bytes = encodeFrame(directed, payload, sign);
    const frame = readFrame(bytes);
    for (const view of [frame.payload, frame.signedBytes, frame.signature])
      expect(view.buffer).toBe(bytes.buffer);
    expect(frame.signature).toEqual(
      new Uint8Array(createHmac('sha256', 'key').update(frame.signedBytes).digest()),
    );
  });

  it('reads what a protobuf library wrote, and the library reads ours', () => {
    const Frame = yggdrasil.v1.Frame;
    const ours = encodeFrame(directed, payload, sign);
    const decoded = Frame.decode(ours);
    expect(uuidFromBytes(decoded.header?.destinationId ?? new Uint8Array(16))).toBe(uuid(4));
    expect(Uint8Array.from(decoded.payload)).toEqual(payload);
    expect(Uint8Array.from(Frame.encode(decoded).finish())).toEqual(ours);
  });

  it('refuses a frame cut at any byte', () => {
    const bytes = encodeFrame(directed, payload, sign);
    for (let length = 0; length < bytes.length; length++) {
      expect(refusal(bytes.subarray(0, length)), `${length} bytes`).toBe('frame_malformed');
    }
  });

  it('refuses bytes after the signature', () => {
    const bytes = encodeFrame(directed, payload, sign);
    expect(refusal(new Uint8Array([...bytes, 0]))).toBe('frame_malformed');
  });

  it('refuses another version', () => {
    const bytes = encodeFrame(header(), payload, sign);
    bytes[3] = 2;
    expect(refusal(bytes)).toBe('frame_version_unsupported');
  });

  it('refuses header fields out of order, repeated, unknown or of the wrong type', () => {
    const bytes = encodeFrame(header(), payload, sign);
    const tags = { version: 2, type: 4, id: 6 };
    for (const [index, value] of [
      [tags.type, 0x08],
      [tags.type, 0x50],
      [tags.type, 0x12],
      [tags.id, 0x20],
    ] as const) {
      const changed = bytes.slice();
      changed[index] = value;
      expect(refusal(changed), `byte ${index} = ${value}`).toBe('frame_malformed');
    }
  });

  it('refuses an id that is not 16 bytes', () => {
    const bytes = encodeFrame(header(), payload, sign);
    const idLength = 7;
    expect(bytes[idLength]).toBe(16);
    bytes[idLength] = 15;
    expect(refusal(bytes)).toBe('frame_malformed');
  });

  it('refuses a frame above the size limit before looking at it', () => {
    expect(refusal(new Uint8Array(FRAME_BYTES_MAX + 1))).toBe('frame_too_large');
  });
});

describe('completeFrame', () => {
  it('keeps the bytes of the sender and adds position and signature', () => {
    const sent = readFrame(encodeFrame(directed, payload, sign));
    const content = sent.bytes.subarray(0, sent.contentLength);
    for (const streamOffset of [1, 127, 128, 16_384, 2 ** 40]) {
      const forwarded = readFrame(completeFrame(content, streamOffset, sign));
      expect(forwarded.streamOffset).toBe(streamOffset);
      expect(forwarded.bytes.subarray(0, forwarded.contentLength)).toEqual(content);
      expect(forwarded.signature).toEqual(
        new Uint8Array(createHmac('sha256', 'key').update(forwarded.signedBytes).digest()),
      );
    }
  });
});

describe('ids', () => {
  it('turn into bytes and back', () => {
    const id = '01234567-89ab-4cde-8f01-23456789abcd';
    expect(uuidFromBytes(uuidToBytes(id))).toBe(id);
    expect(uuidFromBytes(uuidToBytes(id.toUpperCase()))).toBe(id);
    expect([...uuidToBytes(id)].map((byte) => byte.toString(16).padStart(2, '0')).join('')).toBe(
      '0123456789ab4cde8f0123456789abcd',
    );
  });

  it('that came lately are told from others, wherever they differ', () => {
    const id = '01234567-89ab-4cde-8f01-23456789abcd';
    const bytes = Uint8Array.from([0, ...uuidToBytes(id)]);
    expect([recurringUuidFromBytes(bytes, 1), recurringUuidFromBytes(bytes, 1)]).toEqual([id, id]);
    for (let index = 1; index <= 16; index++) {
      const other = bytes.slice();
      other[index] = (other[index] as number) ^ 0x80;
      expect(recurringUuidFromBytes(other, 1)).toBe(uuidFromBytes(other, 1));
      expect(recurringUuidFromBytes(bytes, 1)).toBe(id);
    }
  });

  it('are given in lower case, whatever they were written in', () => {
    expect(parseUuid('01234567-89AB-4cde-8F01-23456789ABCD')).toBe('01234567-89ab-4cde-8f01-23456789abcd');
  });

  it.each([
    'kitchen lamp',
    '',
    '0123456789ab4cde8f0123456789abcd',
    '01234567-89ab-4cde-8f01-23456789abc',
    '01234567-89ab-4cde-8f01-23456789abcd0',
    '01234567-89ab-4cde-8f01-23456789abcg',
    '01234567-89ab-4cde-8f01-23456789abcd\n',
  ])('that are none are refused: %j', (text) => {
    expect(parseUuid(text)).toBeNull();
    expect(() => uuidToBytes(text)).toThrow(RangeError);
  });
});

describe('FrameType', () => {
  it('has a name for every number the frame carries', () => {
    expect(FrameType[FrameType.COMMAND]).toBe('COMMAND');
  });
});
