import {
  type AuditLogHead,
  type AuditLogRecord,
  fromHex,
  hashRecord,
  headBytes,
  isIncluded,
  isSame,
  type Sha256,
  toHex,
} from './audit-log.ts';

/** What a receipt is checked with. */
export interface ReceiptTools {
  readonly sha256: Sha256;
  /** True where the signature is of these bytes by this Ed25519 key. */
  isSignedBy(publicKey: Uint8Array, bytes: Uint8Array, signature: Uint8Array): boolean;
}

/** A receipt with all that proves it. */
export interface ProvenReceipt {
  /** What happened: the text whose hash the record has. */
  readonly content: string;
  readonly record: AuditLogRecord & { readonly hash: Uint8Array };
  /** The hash that the record follows. */
  readonly follows: Uint8Array;
  readonly head: AuditLogHead & {
    readonly keyId: string;
    readonly publicKey: Uint8Array;
    readonly signature: Uint8Array;
  };
  /** The hashes beside the way from the record to the root (RFC 9162 section 2.1.3). */
  readonly path: readonly Uint8Array[];
}

const HASH_BYTES = 32;
const SIGNATURE_BYTES = 64;
const KEY_ID_DIGITS = 16;

/**
 * Reads a receipt as `GET /api/v1/audit/messages/:id` gives it. Throws Error for what is no receipt: a field that is missing,
 * or not written as it is there.
 */
export function readReceipt(json: unknown): ProvenReceipt {
  const receipt = new Fields(json, 'the receipt');
  const record = receipt.fields('record');
  const head = receipt.fields('head');
  return {
    content: receipt.text('content'),
    record: {
      tenantId: record.text('tenantId'),
      index: record.number('index'),
      atMs: record.time('at'),
      principal: record.textOrNull('principal'),
      operation: record.text('operation'),
      class: record.text('class'),
      outcome: record.text('outcome'),
      objects: record.texts('objects'),
      reason: record.textOrNull('reason'),
      leftOut: record.number('leftOut'),
      contentHash: record.bytes('contentHash', HASH_BYTES),
      hash: record.bytes('hash', HASH_BYTES),
    },
    follows: receipt.bytes('follows', HASH_BYTES),
    head: {
      tenantId: head.text('tenantId'),
      size: head.number('size'),
      root: head.bytes('root', HASH_BYTES),
      signedAtMs: head.time('signedAt'),
      keyId: head.text('keyId'),
      publicKey: head.bytes('publicKey', HASH_BYTES),
      signature: head.bytes('signature', SIGNATURE_BYTES),
    },
    path: receipt.texts('path').map((text) => bytesOf(text, HASH_BYTES, 'path')),
  };
}

/** What is wrong with a receipt; null: its text is the one that the log has under the head that this key has signed. */
export async function findReceiptProblem(
  { content, record, follows, head, path }: ProvenReceipt,
  { sha256, isSignedBy }: ReceiptTools,
): Promise<string | null> {
  const contentHash = await sha256(new TextEncoder().encode(content));
  if (record.contentHash === null || !isSame(contentHash, record.contentHash))
    return 'the text of the receipt is not the one that its record is of';
  if (!isSame(await hashRecord(record, follows, sha256), record.hash)) return 'its record was changed';
  if (record.tenantId !== head.tenantId) return 'its record is of another log';
  if (!(await isIncluded(record, head, path, sha256))) return 'its record is not in the log that was signed';
  if (!isSignedBy(head.publicKey, headBytes(head), head.signature))
    return 'the head of the log is not signed by this key';
  if (!toHex(await sha256(head.publicKey)).startsWith(head.keyId) || head.keyId.length !== KEY_ID_DIGITS)
    return 'its key has another id';
  return null;
}

/** The fields of an object in JSON, each of the kind it must be. */
class Fields {
  readonly #fields: Readonly<Record<string, unknown>>;

  constructor(value: unknown, name: string) {
    if (typeof value !== 'object' || value === null) throw wrong(name);
    this.#fields = value as Readonly<Record<string, unknown>>;
  }

  fields(name: string): Fields {
    return new Fields(this.#fields[name], name);
  }

  text(name: string): string {
    const value = this.#fields[name];
    if (typeof value !== 'string') throw wrong(name);
    return value;
  }

  textOrNull(name: string): string | null {
    return this.#fields[name] === null ? null : this.text(name);
  }

  texts(name: string): readonly string[] {
    const value = this.#fields[name];
    if (!Array.isArray(value) || !value.every((item) => typeof item === 'string')) throw wrong(name);
    return value;
  }

  number(name: string): number {
    const value = this.#fields[name];
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) throw wrong(name);
    return value;
  }

  /** Milliseconds since 1970 of a time as `toISOString` writes it. */
  time(name: string): number {
    const text = this.text(name);
    const time = new Date(text);
    if (Number.isNaN(time.getTime()) || time.toISOString() !== text) throw wrong(name);
    return time.getTime();
  }

  bytes(name: string, count: number): Uint8Array {
    return bytesOf(this.text(name), count, name);
  }
}

function bytesOf(text: string, count: number, name: string): Uint8Array {
  const bytes = fromHex(text, count);
  if (bytes === null) throw wrong(name);
  return bytes;
}

const wrong = (name: string) => new Error(`not a receipt: ${name}`);
