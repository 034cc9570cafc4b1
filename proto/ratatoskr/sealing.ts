import { decodePayload, encodePayload, PayloadError, ReplayWindow, Sealed, uuidToBytes } from '../index.ts';
import { AEAD_TAG_BYTES } from './limits.ts';
import { Handshake, joined, type KeyPair, type NoiseCrypto, NoiseError } from './noise.ts';

/** Where a sealed frame belongs: none of it can be changed without its receiver's noticing. */
export interface SealedPlace {
  readonly networkId: string;
  readonly sourceId: string;
  readonly destinationId: string;
  readonly frameId: string;
  readonly delivery: number;
  readonly correlationId: string | null;
}

/** What a sealed frame carries. */
export interface SealedContent {
  /** The type of the frame that it stands for. */
  readonly type: number;
  /** The name that the server may read; empty: none. */
  readonly name: string;
  readonly payload: Uint8Array;
}

/** Why a sealed frame can't be opened. */
export class SealError extends Error {
  readonly code: 'seal_key_unknown' | 'sealed_unreadable' | 'peer_key_changed' | 'frame_payload_malformed';

  constructor(code: SealError['code'], message: string) {
    super(message);
    this.name = 'SealError';
    this.code = code;
  }
}

/** X25519, as every static key here. */
export const SEAL_KEY_BYTES = 32;
const HINT_BYTES = 8;
/** Ephemeral key, static key with its tag, tag of nothing. */
const HANDSHAKE_BYTES = SEAL_KEY_BYTES + SEAL_KEY_BYTES + 2 * AEAD_TAG_BYTES;
/** Sessions of others whose keys and numbers are kept; of who has the most of them the one that was not used for the longest goes first. */
const SESSIONS_MAX = 1_024;
const LABEL = new TextEncoder().encode('yggdrasil seal 1');
const NOBODY = new Uint8Array(16);

const hintOf = (publicKey: Uint8Array, crypto: NoiseCrypto) =>
  crypto.sha256(publicKey).subarray(0, HINT_BYTES);

/** What both ends must agree on: who seals for whom, in which network. */
function prologueOf({ networkId, sourceId, destinationId }: SealedPlace): Uint8Array {
  return joined([LABEL, ...[networkId, sourceId, destinationId].map(uuidToBytes)]);
}

/** The associated data of a ciphertext: type and delivery in a byte each, ids of 16 bytes, and the name that is shown. */
function associatedData({ type, name }: Omit<SealedContent, 'payload'>, place: SealedPlace): Uint8Array {
  const { delivery, frameId, correlationId } = place;
  const answers = correlationId === null ? NOBODY : uuidToBytes(correlationId);
  return joined([
    Uint8Array.of(type, delivery),
    uuidToBytes(frameId),
    answers,
    new TextEncoder().encode(name),
  ]);
}

/** Noise, section 12: 32 bits of zeros, then the number in little-endian. */
function nonceOf(number: number): Uint8Array {
  const nonce = new Uint8Array(12);
  const view = new DataView(nonce.buffer);
  view.setUint32(4, number % 2 ** 32, true);
  view.setUint32(8, Math.floor(number / 2 ** 32), true);
  return nonce;
}

/**
 * Seals what one device sends another, in one session: Noise_X_25519_ChaChaPoly_SHA256, whose only message stands in every frame. One for
 * STORED frames and one for TRANSIENT ones.
 */
export class Sealer {
  readonly #crypto: NoiseCrypto;
  readonly #handshake: Uint8Array;
  readonly #hint: Uint8Array;
  readonly #key: Uint8Array;
  #number = 0;

  /** Throws `NoiseError` for a key that is none. */
  constructor(
    { own, receiverKey, place }: { own: KeyPair; receiverKey: Uint8Array; place: SealedPlace },
    crypto: NoiseCrypto,
  ) {
    const handshake = new Handshake(
      {
        pattern: 'X',
        role: 'initiator',
        prologue: prologueOf(place),
        staticKey: own,
        remoteStaticKey: receiverKey,
      },
      crypto,
    );
    this.#crypto = crypto;
    this.#handshake = handshake.write();
    this.#hint = hintOf(receiverKey, crypto);
    this.#key = handshake.split().send.key;
  }

  /** Frames that were sealed in this session. */
  get count(): number {
    return this.#number;
  }

  /** The payload of a SEALED frame. */
  seal(content: SealedContent, place: SealedPlace): Uint8Array {
    const { type, name, payload } = content;
    const number = ++this.#number;
    const ciphertext = new Uint8Array(payload.length + AEAD_TAG_BYTES);
    this.#crypto.encryptInto(this.#key, nonceOf(number), associatedData(content, place), payload, ciphertext);
    return encodePayload(Sealed, {
      type,
      name,
      keyHint: this.#hint,
      handshake: this.#handshake,
      number,
      ciphertext,
    });
  }
}

/** A session of another device. */
interface OpenedSession {
  readonly sourceId: string;
  readonly key: Uint8Array;
  readonly senderKey: Uint8Array;
  readonly numbers: ReplayWindow;
}

/** Opens what others sealed for this device, under any of its keys. */
export class SealOpener {
  readonly #keys: readonly { readonly pair: KeyPair; readonly hint: Uint8Array }[];
  readonly #crypto: NoiseCrypto;
  readonly #sessions = new Map<string, OpenedSession>();

  /** `keys`: the one that others are told, and those before it, for what was sealed earlier. */
  constructor(keys: readonly KeyPair[], crypto: NoiseCrypto) {
    this.#keys = keys.map((pair) => ({ pair, hint: hintOf(pair.publicKey, crypto) }));
    this.#crypto = crypto;
  }

  /**
   * What is in a SEALED frame, and whose key sealed it; once. `isAccepted` says whether that key is its sender's: what others seal in
   * somebody's name leaves no trace. Throws `SealError`.
   */
  open(
    sealedPayload: Uint8Array,
    place: SealedPlace,
    isAccepted: (senderKey: Uint8Array) => boolean = () => true,
  ): SealedContent & { readonly senderKey: Uint8Array } {
    const { type, name, keyHint, handshake, number, ciphertext } = this.#read(sealedPayload);
    const known = this.#keys.find(({ hint }) => areSame(hint, keyHint));
    if (known === undefined)
      throw new SealError('seal_key_unknown', 'It is sealed for a key that is not this device’s.');
    if (handshake.length !== HANDSHAKE_BYTES || ciphertext.length < AEAD_TAG_BYTES) throw unreadable();
    const id = String.fromCharCode(...handshake) + place.sourceId;
    const session = this.#sessions.get(id) ?? this.#begin(handshake, known.pair, place);
    const associated = associatedData({ type, name }, place);
    const payload = this.#crypto.decrypt(session.key, nonceOf(number), associated, ciphertext);
    if (payload === null) throw unreadable();
    if (!isAccepted(session.senderKey))
      throw new SealError('peer_key_changed', 'It is sealed by another key than its sender’s.');
    if (session.numbers.use(number) !== 'new') throw unreadable();
    this.#keep(id, session);
    return { type, name, payload, senderKey: session.senderKey };
  }

  #read(bytes: Uint8Array) {
    try {
      return decodePayload(Sealed, bytes);
    } catch (error) {
      if (!(error instanceof PayloadError)) throw error;
      throw new SealError('frame_payload_malformed', 'The payload is not what the type says.');
    }
  }

  #begin(message: Uint8Array, staticKey: KeyPair, place: SealedPlace): OpenedSession {
    const role = 'responder';
    try {
      const handshake = new Handshake(
        { pattern: 'X', role, prologue: prologueOf(place), staticKey },
        this.#crypto,
      );
      handshake.read(message);
      const { receive, remoteStaticKey } = handshake.split();
      const { sourceId } = place;
      return { sourceId, key: receive.key, senderKey: remoteStaticKey, numbers: new ReplayWindow() };
    } catch (error) {
      if (error instanceof NoiseError) throw unreadable();
      throw error;
    }
  }

  /** The last used stands last. */
  #keep(id: string, session: OpenedSession): void {
    this.#sessions.delete(id);
    this.#sessions.set(id, session);
    if (this.#sessions.size > SESSIONS_MAX) this.#forgetOne();
  }

  /** One who begins many sessions loses his own: else he could have frames of others taken once more. */
  #forgetOne(): void {
    const oldestOf = new Map<string, { readonly id: string; count: number }>();
    for (const [id, { sourceId }] of this.#sessions) {
      const known = oldestOf.get(sourceId);
      if (known === undefined) oldestOf.set(sourceId, { id, count: 1 });
      else known.count++;
    }
    const [most] = [...oldestOf.values()].sort((one, other) => other.count - one.count);
    if (most !== undefined) this.#sessions.delete(most.id);
  }
}

/** A device and its public key. */
export interface KeyOwner {
  readonly deviceId: string;
  readonly publicKey: Uint8Array;
}

/** Groups of digits of one device, and rounds of the hash: as many as make a search for a key with the same digits dear. */
const GROUPS = 6;
const ROUNDS = 5_200;

/**
 * What two people read to each other to be sure that nobody stands between their devices: 60 digits in groups of five, the same for both,
 * of both devices' ids and keys. 30 digits for each are about 100 bits (as Signal's safety numbers).
 */
export function fingerprintOf(one: KeyOwner, other: KeyOwner, crypto: Pick<NoiseCrypto, 'sha256'>): string {
  const ordered = one.deviceId < other.deviceId ? [one, other] : [other, one];
  return ordered.flatMap((owner) => digitsOf(owner, crypto)).join(' ');
}

function digitsOf({ deviceId, publicKey }: KeyOwner, crypto: Pick<NoiseCrypto, 'sha256'>): string[] {
  const identity = joined([LABEL, uuidToBytes(deviceId), publicKey]);
  let hash = crypto.sha256(identity);
  for (let round = 1; round < ROUNDS; round++) hash = crypto.sha256(joined([hash, publicKey]));
  return Array.from({ length: GROUPS }, (_, group) => {
    const number = hash.subarray(group * 5, group * 5 + 5).reduce((sum, byte) => sum * 256 + byte, 0);
    return String(number % 100_000).padStart(5, '0');
  });
}

function areSame(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, index) => byte === other[index]);
}

function unreadable(): SealError {
  return new SealError('sealed_unreadable', 'It was changed, came before, or is from another place.');
}
