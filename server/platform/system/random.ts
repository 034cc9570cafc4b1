import { randomBytes, randomUUID } from 'node:crypto';
import type { Random } from '../../kernel/random.ts';

/** Node's text is a chain of twenty pieces until somebody reads it, which takes five times the memory where it is kept. */
const flat = (text: string): string => Buffer.from(text, 'latin1').toString('latin1');

/** The operating system's generator, fit for secrets. */
export function createSystemRandom(): Random {
  return {
    uuid: () => flat(randomUUID()),
    bytes: (length) => new Uint8Array(randomBytes(length)),
    fraction: () => Math.random(),
  };
}
