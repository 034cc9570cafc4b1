import { randomBytes, timingSafeEqual } from 'node:crypto';
import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import type { ServerCore, SigningKey } from '../../assembly/host/index.ts';
import type { Comparison } from '../harness.ts';
import { createNodeSigner, type NodeSigner } from './node-signer.ts';

const TAG_BYTES = 32;
const COUNT = 64;
const LENGTHS = [64, 256] as const;

interface Frames {
  readonly count: number;
  readonly keys: readonly SigningKey[];
  readonly nodeSigners: readonly NodeSigner[];
  readonly secrets: readonly Uint8Array[];
  /** Views of one buffer, each with room for its tag behind it, as frames lie in a send buffer. */
  readonly frames: readonly Uint8Array[];
  readonly messages: readonly Uint8Array[];
  readonly tags: readonly Uint8Array[];
  readonly length: number;
}

/**
 * Signing and verifying of 64 and 256 bytes, one by one and in batches, each message under its own key; and signing one
 * message for 64 receivers.
 */
export function compareSignatures(core: ServerCore): (() => Comparison)[] {
  return LENGTHS.flatMap((length) => [
    () => compareSign(core, makeFrames(core, length)),
    () => compareSignNoble(core, makeFrames(core, length)),
    () => compareVerify(core, makeFrames(core, length)),
    () => compareVerifyNoble(core, makeFrames(core, length)),
    () => compareSignBatch(core, makeFrames(core, length)),
    () => compareSignForKeys(core, makeFrames(core, length)),
  ]);
}

function makeFrames(core: ServerCore, length: number): Frames {
  const stride = length + TAG_BYTES;
  const buffer = randomBytes(COUNT * stride);
  const indexes = Array.from({ length: COUNT }, (_, i) => i);
  const secrets = indexes.map(() => randomBytes(32));
  const nodeSigners = secrets.map(createNodeSigner);
  const frames = indexes.map((i) => buffer.subarray(i * stride, (i + 1) * stride));
  const messages = frames.map((frame) => frame.subarray(0, length));
  return {
    count: COUNT,
    keys: secrets.map((secret) => core.importKey(secret)),
    nodeSigners,
    secrets,
    frames,
    messages,
    tags: messages.map((message, i) => (nodeSigners[i] as NodeSigner)(message)),
    length,
  };
}

function compareSign(core: ServerCore, at: Frames): Comparison {
  const { count, keys, nodeSigners, messages, frames, length } = at;
  const ours = () => {
    for (let i = 0; i < count; i++) {
      core.signInto(keys[i] as SigningKey, messages[i] as Uint8Array, frames[i] as Uint8Array, length);
    }
  };
  const reference = () => {
    for (let i = 0; i < count; i++) {
      const tag = (nodeSigners[i] as NodeSigner)(messages[i] as Uint8Array);
      (frames[i] as Uint8Array).set(tag, length);
    }
  };
  requireTags(at, ours);
  requireTags(at, reference);
  return { name: `sign-${length}`, operations: count, ours, reference };
}

function compareSignNoble(core: ServerCore, at: Frames): Comparison {
  const { count, secrets, messages, frames, length } = at;
  const { ours } = compareSign(core, at);
  // The key's state is kept and cloned, noble's way to spare the two key blocks.
  const kept = secrets.map((secret) => hmac.create(sha256, secret));
  const reference = () => {
    for (let i = 0; i < count; i++) {
      const tag = (kept[i] as (typeof kept)[number])
        .clone()
        .update(messages[i] as Uint8Array)
        .digest();
      (frames[i] as Uint8Array).set(tag, length);
    }
  };
  requireTags(at, reference);
  return { name: `sign-${length}-noble`, operations: count, ours, reference };
}

function compareVerify(core: ServerCore, at: Frames): Comparison {
  const { count, keys, nodeSigners, messages, tags, length } = at;
  const ours = () => {
    for (let i = 0; i < count; i++) {
      if (!core.verify(keys[i] as SigningKey, messages[i] as Uint8Array, tags[i] as Uint8Array))
        throw wrong();
    }
  };
  const reference = () => {
    for (let i = 0; i < count; i++) {
      const tag = (nodeSigners[i] as NodeSigner)(messages[i] as Uint8Array);
      if (!timingSafeEqual(tag, tags[i] as Uint8Array)) throw wrong();
    }
  };
  ours();
  reference();
  return { name: `verify-${length}`, operations: count, ours, reference };
}

function compareVerifyNoble(core: ServerCore, at: Frames): Comparison {
  const { count, secrets, messages, tags, length } = at;
  const { ours } = compareVerify(core, at);
  const kept = secrets.map((secret) => hmac.create(sha256, secret));
  const reference = () => {
    for (let i = 0; i < count; i++) {
      const tag = (kept[i] as (typeof kept)[number])
        .clone()
        .update(messages[i] as Uint8Array)
        .digest();
      if (!timingSafeEqual(tag, tags[i] as Uint8Array)) throw wrong();
    }
  };
  reference();
  return { name: `verify-${length}-noble`, operations: count, ours, reference };
}

function compareSignBatch(core: ServerCore, at: Frames): Comparison {
  const { count, keys, nodeSigners, messages, frames, length } = at;
  const ours = () => core.signBatch(keys, messages, frames, length);
  const reference = () => {
    for (let i = 0; i < count; i++) {
      const tag = (nodeSigners[i] as NodeSigner)(messages[i] as Uint8Array);
      (frames[i] as Uint8Array).set(tag, length);
    }
  };
  requireTags(at, ours);
  requireTags(at, reference);
  return { name: `sign-${length}-batch`, operations: count, ours, reference };
}

function compareSignForKeys(core: ServerCore, { keys, nodeSigners, messages, length }: Frames): Comparison {
  const message = messages[0] as Uint8Array;
  const tags = new Uint8Array(COUNT * TAG_BYTES);
  const expected = new Uint8Array(COUNT * TAG_BYTES);
  const ours = () => core.signForKeys(message, keys, tags);
  const reference = () => {
    for (let i = 0; i < COUNT; i++) expected.set((nodeSigners[i] as NodeSigner)(message), i * TAG_BYTES);
  };
  ours();
  reference();
  if (!timingSafeEqual(tags, expected)) throw wrong();
  return { name: `sign-${length}-receivers`, operations: COUNT, ours, reference };
}

// Clears the tags in the frames, runs, and compares them with node:crypto's.
function requireTags({ frames, tags, length }: Frames, run: () => void): void {
  for (const frame of frames) frame.fill(0, length);
  run();
  for (const [i, frame] of frames.entries()) {
    if (!timingSafeEqual(frame.subarray(length), tags[i] as Uint8Array)) throw wrong();
  }
}

function wrong(): Error {
  return new Error('A result differs from the reference.');
}
