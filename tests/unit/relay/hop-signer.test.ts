import { describe, expect, it } from 'vitest';
import type { SigningKey } from '../../../assembly/host/index.ts';
import { readFrame, unsignedFrame } from '../../../proto/index.ts';
import { HopSigner } from '../../../server/domains/relay/hop-signer.ts';
import {
  BATCH_SIGNATURES_MAX,
  MIXED_BATCH_MIN,
  SAME_FRAME_BATCH_MIN,
} from '../../../server/domains/relay/limits.ts';
import { createServerCore } from '../../support/core.ts';
import { frameOf } from '../../support/device-channels.ts';

const core = createServerCore();
const keyOf = (receiver: number) => core.importKey(new Uint8Array(32).fill(receiver + 1));
const contentOf = (number: number) => {
  const { bytes, contentLength } = readFrame(frameOf(31, number));
  return bytes.subarray(0, contentLength);
};
const isSigned = (bytes: Uint8Array, key: SigningKey) => {
  const { signedBytes, signature } = readFrame(bytes);
  return core.verify(key, signedBytes, signature);
};
const COUNTS = [
  1,
  SAME_FRAME_BATCH_MIN - 1,
  SAME_FRAME_BATCH_MIN,
  MIXED_BATCH_MIN,
  BATCH_SIGNATURES_MAX,
  BATCH_SIGNATURES_MAX + 1,
  2 * BATCH_SIGNATURES_MAX + MIXED_BATCH_MIN + 1,
];

/** Counts which way the core is asked to sign. */
function setUp() {
  const calls = { signInto: 0, signForKeys: 0, signBatch: 0 };
  const signer = new HopSigner({
    signInto: (...given) => {
      calls.signInto++;
      core.signInto(...given);
    },
    signForKeys: (...given) => {
      calls.signForKeys++;
      core.signForKeys(...given);
    },
    signBatch: (...given) => {
      calls.signBatch++;
      core.signBatch(...given);
    },
  });
  return { calls, signer };
}

describe('the signer of hops', () => {
  it.each(COUNTS)('signs one frame for %i receivers, each under its own key and in order', (count) => {
    const { calls, signer } = setUp();
    const frame = unsignedFrame(contentOf(1), 7);
    const outgoing = Array.from({ length: count }, (_, receiver) => ({
      receiver,
      signingKey: keyOf(receiver),
      frame,
    }));
    const handedOver: { receiver: number; bytes: Uint8Array }[] = [];
    signer.signEach(outgoing, ({ receiver }, bytes) => handedOver.push({ receiver, bytes }));
    // Looked at when all are signed: each has bytes of its own.
    const signed = handedOver.filter(({ receiver, bytes }) => isSigned(bytes, keyOf(receiver)));
    expect(signed.map(({ receiver }) => receiver)).toEqual(outgoing.map(({ receiver }) => receiver));
    expect([calls.signForKeys > 0, calls.signBatch]).toEqual([count >= SAME_FRAME_BATCH_MIN, 0]);
  });

  it.each(COUNTS)('signs a page of %i frames for one receiver, in order', (count) => {
    const { calls, signer } = setUp();
    const signingKey = keyOf(3);
    const outgoing = Array.from({ length: count }, (_, index) => ({
      streamOffset: index + 1,
      signingKey,
      frame: unsignedFrame(contentOf(index + 1), index + 1),
    }));
    const handedOver: Uint8Array[] = [];
    signer.signEach(outgoing, (_, bytes) => handedOver.push(bytes));
    const signed = handedOver.filter((bytes) => isSigned(bytes, signingKey));
    expect(signed.map((bytes) => readFrame(bytes).streamOffset)).toEqual(
      outgoing.map(({ streamOffset }) => streamOffset),
    );
    expect([calls.signBatch > 0, calls.signForKeys]).toEqual([count >= MIXED_BATCH_MIN, 0]);
  });

  it('signs several frames for the same receivers, each with bytes of its own', () => {
    const { signer } = setUp();
    const frames = Array.from({ length: 70 }, (_, index) => unsignedFrame(contentOf(index + 1), index + 1));
    const outgoing = frames.flatMap((frame) =>
      [1, 2, 3].map((receiver) => ({ receiver, signingKey: keyOf(receiver), frame })),
    );
    const handedOver: { receiver: number; bytes: Uint8Array }[] = [];
    signer.signEach(outgoing, ({ receiver }, bytes) => handedOver.push({ receiver, bytes }));
    expect(handedOver.filter(({ receiver, bytes }) => !isSigned(bytes, keyOf(receiver)))).toEqual([]);
    expect(handedOver.map(({ bytes }) => readFrame(bytes).streamOffset)).toEqual(
      outgoing.map(({ frame }) => readFrame(frame.bytes).streamOffset),
    );
  });
});
