import {
  countersignedBytes,
  fromHex,
  headBytes,
  isContinued,
  type Sha256,
  toHex,
} from '../../proto/index.ts';
import { fromBase64Url } from './base64.ts';
import { WITNESS_INTERVAL_MS } from './limits.ts';
import type { Clock } from './ports.ts';

/** Where a witness keeps what it has seen, out of the server's reach. */
export interface WitnessStore {
  /** The witness's own private key, as `saveKey` was given it; null: there is none yet. */
  loadKey(): Promise<string | null>;
  saveKey(key: string): Promise<void>;
  /** The last line that was added; null: there is none yet. */
  loadLast(): Promise<string | null>;
  /** Adds a line: a signed head. `yggdrasil audit verify --witness` reads a file of them. */
  add(line: string): Promise<void>;
}

/** What a witness has found that no honest server does. */
export class WitnessAlarm extends Error {
  /** What it had kept, and what it was shown: the proof. */
  readonly kept: string | null;
  readonly shown: string;

  constructor(message: string, kept: string | null, shown: string) {
    super(message);
    this.name = 'WitnessAlarm';
    this.kept = kept;
    this.shown = shown;
  }
}

/** What a witness needs. */
export interface WitnessOptions {
  /** The server's: `https://host` */
  readonly url: string;
  /** The token of a device, or of somebody who administers the tenant. */
  readonly token: string;
  readonly store: WitnessStore;
  /** Told of what no honest server does, and of nothing else: a server that can't be reached is asked again later. */
  readonly alarm: (alarm: WitnessAlarm) => void;
  readonly intervalMs?: number;
}

/** Keeps the signed heads of its tenant's audit log, and countersigns them. */
export interface Witness {
  /**
   * Looks once; true: there was a new head, which is kept and countersigned. Rejects with WitnessAlarm for a head that doesn't
   * continue the last one, is no longer, or is signed by another key; nothing is kept of it.
   */
  look(): Promise<boolean>;
  /** Looks now and again and again. */
  start(): void;
  stop(): void;
}

interface Head {
  readonly tenantId: string;
  readonly size: number;
  readonly root: string;
  readonly signedAt: string;
  readonly publicKey: string;
  readonly signature: string;
}

const ED25519 = { name: 'Ed25519' } as const;
const HASH_BYTES = 32;
const SIGNATURE_BYTES = 64;

/** Web Crypto takes bytes of its own. */
const plain = (bytes: Uint8Array): Uint8Array<ArrayBuffer> => Uint8Array.from(bytes);
const sha256: Sha256 = async (bytes) => new Uint8Array(await crypto.subtle.digest('SHA-256', plain(bytes)));

const bytesOf = (text: string, count: number): Uint8Array => {
  const bytes = fromHex(text, count);
  if (bytes === null) throw new Error('the server sends no hexadecimal');
  return bytes;
};

/** Makes a witness, which needs the platform's `fetch` and Ed25519 in its Web Crypto. */
export function createWitness(options: WitnessOptions, { clock }: { readonly clock: Clock }): Witness {
  const { store, alarm, intervalMs = WITNESS_INTERVAL_MS } = options;
  const ask = createAsk(options);
  let cancel: (() => void) | null = null;
  let isStarted = false;

  async function look(): Promise<boolean> {
    const { head } = await ask<{ head: Head | null }>('GET', 'heads/last');
    const last = await store.loadLast();
    if (head === null && last === null) return false;
    const shown = JSON.stringify(head);
    const alarmed = (what: string) => new WitnessAlarm(what, last, shown);
    if (head === null) throw alarmed('the whole log is gone');
    if (!(await isSigned(head))) throw alarmed('the head is not signed by the key that it names');
    if (last !== null) {
      const kept = JSON.parse(last) as Head;
      if (head.publicKey !== kept.publicKey) throw alarmed('another key has signed the head');
      if (head.tenantId !== kept.tenantId) throw alarmed('it is the log of another tenant');
      if (head.size < kept.size) throw alarmed('the log is shorter than it was: its end is cut');
      if (!(await continues(kept, head, ask))) throw alarmed('the log has another history');
      if (head.size === kept.size) return false;
    }
    // Kept before it is countersigned: who says that it has it, has it.
    await store.add(shown);
    const { publicKey, privateKey } = await keysOf(store);
    const signed = countersignedBytes({ ...head, root: bytesOf(head.root, HASH_BYTES) });
    const signature = await crypto.subtle.sign(ED25519, privateKey, plain(signed));
    await ask('POST', `heads/${head.size}/countersignatures`, {
      publicKey,
      signature: toHex(new Uint8Array(signature)),
    });
    return true;
  }

  const round = () => {
    look()
      .catch((error: unknown) => {
        if (error instanceof WitnessAlarm) alarm(error);
      })
      .finally(() => {
        if (isStarted) cancel = clock.after(intervalMs, round);
      });
  };
  return {
    look,
    start() {
      if (isStarted) return;
      isStarted = true;
      round();
    },
    stop() {
      isStarted = false;
      cancel?.();
    },
  };
}

type Ask = <Answer>(method: string, path: string, body?: unknown) => Promise<Answer>;

function createAsk({ url, token }: WitnessOptions): Ask {
  return async <Answer>(method: string, path: string, body?: unknown) => {
    const response = await fetch(`${url}/api/v1/audit/${path}`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`the server answers ${response.status}`);
    return (await response.json()) as Answer;
  };
}

async function isSigned(head: Head): Promise<boolean> {
  const key = await crypto.subtle.importKey(
    'raw',
    plain(bytesOf(head.publicKey, HASH_BYTES)),
    ED25519,
    false,
    ['verify'],
  );
  const signed = headBytes({
    ...head,
    root: bytesOf(head.root, HASH_BYTES),
    signedAtMs: Date.parse(head.signedAt),
  });
  return crypto.subtle.verify(ED25519, key, plain(bytesOf(head.signature, SIGNATURE_BYTES)), plain(signed));
}

async function continues(kept: Head, head: Head, ask: Ask): Promise<boolean> {
  const [before, after] = [kept, head].map(({ size, root }) => ({
    size,
    root: bytesOf(root, HASH_BYTES),
  })) as [{ size: number; root: Uint8Array }, { size: number; root: Uint8Array }];
  if (kept.size === head.size) return isContinued(before, after, [], sha256);
  const { path } = await ask<{ path: string[] }>('GET', `consistency?from=${kept.size}&to=${head.size}`);
  return isContinued(
    before,
    after,
    path.map((hash) => bytesOf(hash, HASH_BYTES)),
    sha256,
  );
}

/** The witness's own keys; made once. */
async function keysOf(store: WitnessStore): Promise<{ publicKey: string; privateKey: CryptoKey }> {
  let text = await store.loadKey();
  if (text === null) {
    const made = (await crypto.subtle.generateKey(ED25519, true, ['sign', 'verify'])) as CryptoKeyPair;
    text = JSON.stringify(await crypto.subtle.exportKey('jwk', made.privateKey));
    await store.saveKey(text);
  }
  const jwk = JSON.parse(text) as JsonWebKey;
  const privateKey = await crypto.subtle.importKey('jwk', jwk, ED25519, false, ['sign']);
  return { publicKey: toHex(fromBase64Url(jwk.x ?? '') ?? new Uint8Array(0)), privateKey };
}
