import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodePayload, RatatoskrRequest, RatatoskrResponse } from '../../../proto/index.ts';
import { envelopeOf } from '../../../proto/ratatoskr/envelope.ts';

const types = fc.integer({ min: 1, max: 2 ** 31 - 1 });
const sequences = fc.oneof(
  fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
  fc.constantFrom(127, 128, 16_383, 16_384, 2 ** 31, 2 ** 32 - 1, 2 ** 32, Number.MAX_SAFE_INTEGER),
);

describe('the envelope of a message', () => {
  it.each([
    ['RatatoskrRequest', RatatoskrRequest],
    ['RatatoskrResponse', RatatoskrResponse],
  ] as const)('has the bytes that protobuf writes for a %s', (_, type) => {
    fc.assert(
      fc.property(
        types,
        sequences,
        fc.uint8Array({ minLength: 1, maxLength: 300 }),
        fc.uint8Array({ minLength: 1, maxLength: 32 }),
        (number, sequence, payload, signature) => {
          const trailer = [0x22, signature.length, ...signature];
          const { message, head } = envelopeOf(
            { type: number, sequence, payloadBytes: payload.length },
            trailer.length,
          );
          message.set(payload, head);
          message.set(trailer, message.length - trailer.length);
          const fields = { type: number, sequence, payload, signature };
          expect(Buffer.from(message).equals(encodePayload(type, fields))).toBe(true);
        },
      ),
    );
  });
});
