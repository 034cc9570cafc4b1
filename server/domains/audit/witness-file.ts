import { fromHex } from '../../../proto/index.ts';
import { isUuid } from '../../kernel/ids.ts';
import type { WitnessedHead } from './verify.ts';

const HASH_BYTES = 32;
const SIGNATURE_BYTES = 64;

/** The heads that a witness has kept: a line of JSON for each. Null: a line is no head. */
export function readWitnessFile(text: string): readonly WitnessedHead[] | null {
  const heads: WitnessedHead[] = [];
  for (const line of text.split('\n').filter((line) => line.trim() !== '')) {
    const head = readHead(line);
    if (head === null) return null;
    heads.push(head);
  }
  return heads;
}

function readHead(line: string): WitnessedHead | null {
  let given: Partial<Record<string, unknown>>;
  try {
    given = Object(JSON.parse(line));
  } catch {
    return null;
  }
  const { tenantId, size, signedAt } = given;
  const bytes = (name: string, count: number) => {
    const text = given[name];
    return typeof text === 'string' ? fromHex(text, count) : null;
  };
  const root = bytes('root', HASH_BYTES);
  const publicKey = bytes('publicKey', HASH_BYTES);
  const signature = bytes('signature', SIGNATURE_BYTES);
  const signedAtMs = typeof signedAt === 'string' ? Date.parse(signedAt) : Number.NaN;
  if (typeof tenantId !== 'string' || !isUuid(tenantId) || !Number.isSafeInteger(size)) return null;
  if (root === null || publicKey === null || signature === null || Number.isNaN(signedAtMs)) return null;
  return { tenantId, size: Number(size), root, signedAtMs, publicKey, signature };
}
