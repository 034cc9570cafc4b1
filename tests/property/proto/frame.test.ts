import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeFrame, FrameError, readFrame } from '../../../proto/index.ts';
import { uuid } from '../../support/frames.ts';

const id = fc.uuid();
const headers = fc.record({
  type: fc.integer({ min: 0, max: 100 }),
  delivery: fc.integer({ min: 0, max: 1 }),
  id,
  networkId: id,
  sourceId: id,
  destinationId: fc.option(id),
  nonce: fc.maxSafeNat(),
  correlationId: fc.option(id),
  madeByServer: fc.boolean(),
});

describe('frames', () => {
  it('come back as they were, whatever header and payload', () => {
    fc.assert(
      fc.property(headers, fc.uint8Array({ maxLength: 2_000 }), (header, payload) => {
        const frame = readFrame(encodeFrame(header, payload, () => undefined));
        expect(frame.header).toEqual({ version: 1, ...header });
        expect(frame.payload).toEqual(payload);
      }),
    );
  });

  it('are read or refused with a code, never anything else, after any change of bytes', () => {
    const bytes = encodeFrame(
      { type: 10, delivery: 1, id: uuid(1), networkId: uuid(2), sourceId: uuid(3), nonce: 5 },
      new Uint8Array(40),
      () => undefined,
    );
    const change = fc.tuple(fc.nat(bytes.length - 1), fc.integer({ min: 0, max: 255 }));
    fc.assert(
      fc.property(fc.array(change, { maxLength: 6 }), fc.nat(bytes.length), (changes, length) => {
        const changed = bytes.slice(0, length);
        for (const [index, value] of changes) if (index < length) changed[index] = value;
        try {
          readFrame(changed);
        } catch (error) {
          expect(error).toBeInstanceOf(FrameError);
        }
      }),
      { numRuns: 2_000 },
    );
  });
});
