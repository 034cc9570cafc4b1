import { AEAD_TAG_BYTES, NOISE_MESSAGE_BYTES_MAX } from './limits.ts';

/** An X25519 key with its public half, 32 bytes each. */
export interface KeyPair {
  readonly privateKey: Uint8Array;
  readonly publicKey: Uint8Array;
}

/** The primitives of `25519_ChaChaPoly_SHA256`. All keys and hashes have 32 bytes, nonces 12. */
export interface NoiseCrypto {
  generateKeyPair(): KeyPair;
  /** Throws for a private key that has not 32 bytes. */
  publicKeyOf(privateKey: Uint8Array): Uint8Array;
  /** X25519 (RFC 7748). Null where the result would be all zeros: the public key is no point of the curve's large group. */
  sharedSecret(privateKey: Uint8Array, publicKey: Uint8Array): Uint8Array | null;
  /** ChaCha20-Poly1305 (RFC 8439), the tag behind the ciphertext: fills `target`, which is 16 bytes longer than the plaintext. */
  encryptInto(
    key: Uint8Array,
    nonce: Uint8Array,
    associated: Uint8Array,
    plaintext: Uint8Array,
    target: Uint8Array,
  ): void;
  /** Null: the ciphertext was not made with this key, nonce and associated data. */
  decrypt(
    key: Uint8Array,
    nonce: Uint8Array,
    associated: Uint8Array,
    ciphertext: Uint8Array,
  ): Uint8Array | null;
  sha256(data: Uint8Array): Uint8Array;
  hmacSha256(key: Uint8Array, data: Uint8Array): Uint8Array;
}

/** A handshake that can't go on: bytes that are not what the other side of this handshake sends. */
export class NoiseError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'NoiseError';
  }
}

type Token = 'e' | 's' | 'ee' | 'es' | 'se' | 'ss';

/** Noise, revision 34, sections 7.4 and 7.5: the messages of a pattern, the initiator's first. */
const PATTERNS: Readonly<
  Record<
    'IK' | 'XX' | 'X',
    { readonly knowsResponder: boolean; readonly messages: readonly (readonly Token[])[] }
  >
> = {
  IK: {
    knowsResponder: true,
    messages: [
      ['e', 'es', 's', 'ss'],
      ['e', 'ee', 'se'],
    ],
  },
  XX: { knowsResponder: false, messages: [['e'], ['e', 'ee', 's', 'es'], ['s', 'se']] },
  X: { knowsResponder: true, messages: [['e', 'es', 's', 'ss']] },
};

/** The name of a pattern of Noise. */
export type PatternName = keyof typeof PATTERNS;

/** Those in which both sides write, as sessions begin. */
export type SessionPattern = Exclude<PatternName, 'X'>;

const KEY_BYTES = 32;
const EMPTY = new Uint8Array(0);

/** Noise, section 5.1: a key and the number of what it has encrypted. Without a key everything stays as it is. */
export class CipherState {
  readonly #crypto: NoiseCrypto;
  readonly #nonce = new Uint8Array(12);
  readonly #nonceView = new DataView(this.#nonce.buffer);
  #key: Uint8Array | null = null;
  #count = 0;

  constructor(crypto: NoiseCrypto, key: Uint8Array | null = null) {
    this.#crypto = crypto;
    this.#key = key;
  }

  get hasKey(): boolean {
    return this.#key !== null;
  }

  /** The key. Throws where there is none. */
  get key(): Uint8Array {
    if (this.#key === null) throw new NoiseError('there is no key yet');
    return this.#key;
  }

  encrypt(associated: Uint8Array, plaintext: Uint8Array): Uint8Array {
    if (this.#key === null) return plaintext;
    const ciphertext = new Uint8Array(plaintext.length + AEAD_TAG_BYTES);
    this.encryptInto(associated, plaintext, ciphertext);
    return ciphertext;
  }

  /** The same into `target`, which is as long as the ciphertext with its tag. Throws NoiseError where there is no key. */
  encryptInto(associated: Uint8Array, plaintext: Uint8Array, target: Uint8Array): void {
    this.#crypto.encryptInto(this.key, this.#nextNonce(), associated, plaintext, target);
  }

  /** Throws NoiseError for what was not encrypted for this place. The state must not be used after that. */
  decrypt(associated: Uint8Array, ciphertext: Uint8Array): Uint8Array {
    if (this.#key === null) return ciphertext;
    if (ciphertext.length < AEAD_TAG_BYTES) throw new NoiseError('a ciphertext is too short');
    const plaintext = this.#crypto.decrypt(this.#key, this.#nextNonce(), associated, ciphertext);
    if (plaintext === null) throw new NoiseError('a ciphertext is not right');
    return plaintext;
  }

  /** Section 12: 32 bits of zeros, then the number in little-endian. */
  #nextNonce(): Uint8Array {
    if (this.#count >= Number.MAX_SAFE_INTEGER) throw new NoiseError('a key is used up');
    this.#nonceView.setUint32(4, this.#count % 2 ** 32, true);
    this.#nonceView.setUint32(8, Math.floor(this.#count / 2 ** 32), true);
    this.#count++;
    return this.#nonce;
  }
}

/** What a complete handshake gives. */
export interface HandshakeResult {
  /** What this side encrypts with, and the other side. */
  readonly send: CipherState;
  readonly receive: CipherState;
  /** Section 11.2: the same on both sides, and of this handshake alone. Not secret. */
  readonly handshakeHash: Uint8Array;
  /** Whose private key the other side has. */
  readonly remoteStaticKey: Uint8Array;
}

/** What a handshake begins with. */
export interface HandshakeOptions {
  readonly pattern: PatternName;
  readonly role: 'initiator' | 'responder';
  /** What both sides must agree on, or nothing comes of it. */
  readonly prologue: Uint8Array;
  readonly staticKey: KeyPair;
  /** The responder's public key, where the initiator knows it (IK). */
  readonly remoteStaticKey?: Uint8Array;
}

/**
 * One side of a Noise handshake (revision 34, section 5.3), `Noise_IK_25519_ChaChaPoly_SHA256`, `Noise_XX_...` or `Noise_X_...`, in which
 * only the initiator writes. Messages are written and read in turn. After a NoiseError it must not be used.
 */
export class Handshake {
  readonly #options: HandshakeOptions;
  readonly #crypto: NoiseCrypto;
  #cipher: CipherState;
  #chainingKey: Uint8Array;
  #hash: Uint8Array;
  #ephemeral: KeyPair | null = null;
  #remoteEphemeral: Uint8Array | null = null;
  #remoteStatic: Uint8Array | null;
  #done = 0;

  constructor(options: HandshakeOptions, crypto: NoiseCrypto) {
    const { pattern, role, prologue, staticKey, remoteStaticKey } = options;
    this.#options = options;
    this.#crypto = crypto;
    this.#cipher = new CipherState(crypto);
    // The name is no longer than a hash: it is taken as it is, with zeros behind it (section 5.2).
    this.#hash = new Uint8Array(KEY_BYTES);
    this.#hash.set(new TextEncoder().encode(`Noise_${pattern}_25519_ChaChaPoly_SHA256`));
    this.#chainingKey = this.#hash;
    this.#remoteStatic = remoteStaticKey ?? null;
    this.#mixHash(prologue);
    if (!PATTERNS[pattern].knowsResponder) return;
    const responderKey = role === 'initiator' ? remoteStaticKey : staticKey.publicKey;
    if (responderKey?.length !== KEY_BYTES) throw new NoiseError('the key of the responder is not known');
    this.#mixHash(responderKey);
  }

  /** True once every message was written or read. */
  get isComplete(): boolean {
    return this.#done === PATTERNS[this.#options.pattern].messages.length;
  }

  /** The next message, with a payload that is as secret as the pattern makes it. */
  write(payload: Uint8Array = EMPTY): Uint8Array {
    const parts: Uint8Array[] = [];
    for (const token of this.#nextTokens('write')) {
      if (token === 'e') {
        this.#ephemeral = this.#crypto.generateKeyPair();
        parts.push(this.#ephemeral.publicKey);
        this.#mixHash(this.#ephemeral.publicKey);
      } else if (token === 's') {
        parts.push(this.#encryptAndHash(this.#options.staticKey.publicKey));
      } else this.#mixSecret(token);
    }
    parts.push(this.#encryptAndHash(payload));
    const message = joined(parts);
    if (message.length > NOISE_MESSAGE_BYTES_MAX) throw new NoiseError('a message is too long');
    return message;
  }

  /** Reads the other side's next message; its payload. Throws NoiseError. */
  read(message: Uint8Array): Uint8Array {
    if (message.length > NOISE_MESSAGE_BYTES_MAX) throw new NoiseError('a message is too long');
    let rest = message;
    const take = (count: number) => {
      if (rest.length < count) throw new NoiseError('a message is too short');
      const part = rest.slice(0, count);
      rest = rest.subarray(count);
      return part;
    };
    for (const token of this.#nextTokens('read')) {
      if (token === 'e') {
        this.#remoteEphemeral = take(KEY_BYTES);
        this.#mixHash(this.#remoteEphemeral);
      } else if (token === 's') {
        this.#remoteStatic = this.#decryptAndHash(
          take(KEY_BYTES + (this.#cipher.hasKey ? AEAD_TAG_BYTES : 0)),
        );
      } else this.#mixSecret(token);
    }
    return this.#decryptAndHash(rest);
  }

  /** The keys for what comes after. Once, when the handshake is complete. */
  split(): HandshakeResult {
    if (!this.isComplete || this.#remoteStatic === null)
      throw new NoiseError('the handshake is not complete');
    const [first, second] = this.#deriveKeys(EMPTY);
    const [send, receive] = this.#options.role === 'initiator' ? [first, second] : [second, first];
    return {
      send: new CipherState(this.#crypto, send),
      receive: new CipherState(this.#crypto, receive),
      handshakeHash: this.#hash,
      remoteStaticKey: this.#remoteStatic,
    };
  }

  #nextTokens(way: 'write' | 'read'): readonly Token[] {
    const isInitiators = this.#done % 2 === 0;
    const isMine = isInitiators === (this.#options.role === 'initiator');
    const tokens = PATTERNS[this.#options.pattern].messages[this.#done];
    if (tokens === undefined || isMine !== (way === 'write')) throw new NoiseError('it is not the turn');
    this.#done++;
    return tokens;
  }

  /** Section 5.3: `es` is the initiator's ephemeral key with the responder's static one, and so on. */
  #mixSecret(token: 'ee' | 'es' | 'se' | 'ss'): void {
    const isInitiator = this.#options.role === 'initiator';
    const [own, remote] = isInitiator ? [token[0], token[1]] : [token[1], token[0]];
    const ownKey = own === 'e' ? this.#ephemeral : this.#options.staticKey;
    const remoteKey = remote === 'e' ? this.#remoteEphemeral : this.#remoteStatic;
    if (ownKey === null || remoteKey === null) throw new NoiseError('a key is not known yet');
    const secret = this.#crypto.sharedSecret(ownKey.privateKey, remoteKey);
    if (secret === null) throw new NoiseError('a public key is not right');
    const [chainingKey, key] = this.#deriveKeys(secret);
    this.#chainingKey = chainingKey;
    this.#cipher = new CipherState(this.#crypto, key);
  }

  /** HKDF with two outputs (section 4.3). */
  #deriveKeys(material: Uint8Array): [Uint8Array, Uint8Array] {
    const secret = this.#crypto.hmacSha256(this.#chainingKey, material);
    const first = this.#crypto.hmacSha256(secret, Uint8Array.of(1));
    return [first, this.#crypto.hmacSha256(secret, joined([first, Uint8Array.of(2)]))];
  }

  #mixHash(data: Uint8Array): void {
    this.#hash = this.#crypto.sha256(joined([this.#hash, data]));
  }

  #encryptAndHash(plaintext: Uint8Array): Uint8Array {
    const ciphertext = this.#cipher.encrypt(this.#hash, plaintext);
    this.#mixHash(ciphertext);
    return ciphertext;
  }

  #decryptAndHash(ciphertext: Uint8Array): Uint8Array {
    const plaintext = this.#cipher.decrypt(this.#hash, ciphertext);
    this.#mixHash(ciphertext);
    return plaintext;
  }
}

/** Bytes one behind the other. */
export function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let position = 0;
  for (const part of parts) {
    whole.set(part, position);
    position += part.length;
  }
  return whole;
}
