import { randomBytes, randomUUID } from 'node:crypto';
import type { Random } from '../../kernel/random.ts';

/** The operating system's generator, fit for secrets. */
export function createSystemRandom(): Random {
  return {
    uuid: () => randomUUID(),
    bytes: (length) => new Uint8Array(randomBytes(length)),
    fraction: () => Math.random(),
  };
}
