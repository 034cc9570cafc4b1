import {
  fingerprintOf,
  type KeyPair,
  type NoiseCrypto,
  SEAL_KEY_BYTES,
} from '../../proto/ratatoskr/index.ts';
import { fromBase64Url, toBase64Url } from './base64.ts';
import { BifrostError } from './errors.ts';
import { requireUuid } from './frame-channel.ts';
import { KNOWN_PEERS_MAX } from './limits.ts';

/** Keys that other devices have shown, in base64url by their ids: keep them, and give them back as `knownPeers` after a restart. */
export type KnownPeers = Readonly<Record<string, string>>;

/** Another device shows another key than before: it got a new one, or somebody stands between. */
export interface PeerKeyChange {
  readonly deviceId: string;
  readonly knownKey: string;
  readonly shownKey: string;
  /** What both people should read to each other, with the key that is shown now. */
  readonly fingerprint: string;
}

/** A key that was seen for the first time, or is another than before. */
export interface ShownPeerKey {
  readonly deviceId: string;
  readonly key: string;
  readonly fingerprint: string;
  /**
   * `refused`: another key than before, which nobody has accepted, or one of more devices than are kept (20,000). Nothing is sealed for it,
   * and nothing that it sealed is opened.
   */
  readonly status: 'new' | 'changed' | 'refused';
}

/** What the keys of other devices need. */
export interface PeerKeysOptions {
  readonly deviceId: string;
  readonly own: KeyPair | null;
  readonly known: KnownPeers;
  readonly acceptsKey: (change: PeerKeyChange) => boolean;
  readonly shown: (key: ShownPeerKey) => void;
  readonly crypto: Pick<NoiseCrypto, 'sha256'>;
}

/** The keys of other devices: the first one that each shows counts until somebody accepts another. */
export class PeerKeys {
  readonly #options: PeerKeysOptions;
  readonly #keys = new Map<string, string>();
  /** Of each device the last one: making it takes milliseconds, and a device may show a wrong key with every frame. */
  readonly #fingerprints = new Map<string, { readonly key: string; readonly fingerprint: string }>();

  /** Throws `invalid_input` for keys or ids that are none. */
  constructor(options: PeerKeysOptions) {
    this.#options = options;
    for (const [deviceId, key] of Object.entries(options.known)) this.trust(deviceId, key);
  }

  /** The public key that others seal for, in base64url; null: this client has none, and everything goes as it is. */
  get publicKey(): string | null {
    const { own } = this.#options;
    return own === null ? null : toBase64Url(own.publicKey);
  }

  get known(): KnownPeers {
    return Object.fromEntries(this.#keys);
  }

  /** True: what this device sends that one is sealed. */
  isSealed(deviceId: string): boolean {
    return this.#options.own !== null && this.#keys.has(requireUuid(deviceId));
  }

  /**
   * 60 digits of both devices' keys, the same at both ends where nobody stands between: people compare them. Null: one of the keys is not
   * known yet. Takes some milliseconds.
   */
  fingerprint(deviceId: string): string | null {
    const key = this.#keys.get(requireUuid(deviceId));
    if (key === undefined || this.#options.own === null) return null;
    return this.#fingerprintWith(requireUuid(deviceId), key);
  }

  /** Takes this key for that device's from now on: somebody has compared the fingerprint. Throws `invalid_input`. */
  trust(deviceId: string, key: string): void {
    const bytes = fromBase64Url(key);
    if (bytes?.length !== SEAL_KEY_BYTES)
      throw new BifrostError('invalid_input', 'A key is 32 bytes in base64url.');
    this.#keys.set(requireUuid(deviceId), toBase64Url(bytes));
  }

  /** The next key that the device shows counts. */
  forget(deviceId: string): void {
    this.#keys.delete(requireUuid(deviceId));
  }

  /** The key that is known; null: none. For the client itself. */
  keyOf(deviceId: string): string | null {
    return this.#keys.get(deviceId) ?? null;
  }

  /** A device shows a key. False: another than before, which is not accepted. For the client itself. */
  isAccepted(deviceId: string, shownKey: string): boolean {
    const knownKey = this.#keys.get(deviceId);
    if (knownKey === shownKey) return true;
    const fingerprint = this.#fingerprintWith(deviceId, shownKey);
    const isTaken =
      knownKey === undefined
        ? this.#keys.size < KNOWN_PEERS_MAX
        : this.#options.acceptsKey({ deviceId, knownKey, shownKey, fingerprint });
    if (isTaken) this.#keys.set(deviceId, shownKey);
    const status = !isTaken ? 'refused' : knownKey === undefined ? 'new' : 'changed';
    this.#options.shown({ deviceId, key: shownKey, fingerprint, status });
    return isTaken;
  }

  #fingerprintWith(deviceId: string, key: string): string {
    const { own, deviceId: ownId, crypto } = this.#options;
    const last = this.#fingerprints.get(deviceId);
    if (last?.key === key) return last.fingerprint;
    const publicKey = fromBase64Url(key);
    if (own === null || publicKey === null) return '';
    const fingerprint = fingerprintOf(
      { deviceId: ownId, publicKey: own.publicKey },
      { deviceId, publicKey },
      crypto,
    );
    if (last !== undefined || this.#fingerprints.size < KNOWN_PEERS_MAX)
      this.#fingerprints.set(deviceId, { key, fingerprint });
    return fingerprint;
  }
}
