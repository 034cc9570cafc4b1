import {
  decodePayload,
  type ErrorCodeName,
  PayloadError,
  RatatoskrRequest,
  RatatoskrResponse,
  type RatatoskrType,
} from '../index.ts';
import { envelopeOf } from './envelope.ts';
import { AEAD_TAG_BYTES, MESSAGE_BYTES_MAX, NOISE_MESSAGE_BYTES_MAX } from './limits.ts';
import { type CipherState, type HandshakeResult, joined, type NoiseCrypto, NoiseError } from './noise.ts';

/** The signing half of the compute core, of devices and servers alike. `Key` is whatever it makes of a secret. */
export interface MessageSigner<Key> {
  importKey(secret: Uint8Array): Key;
  /** Writes the 32 bytes of HMAC-SHA256 into `target` at `position`. */
  signInto(key: Key, message: Uint8Array, target: Uint8Array, position: number): void;
  /** In constant time. */
  verify(key: Key, message: Uint8Array, signature: Uint8Array): boolean;
}

/** A message that was signed, in its place and encrypted for this session. */
export interface OpenedMessage {
  readonly type: RatatoskrType;
  readonly sequence: number;
  readonly payload: Uint8Array;
}

/** Why a session ends: the refusal that its other side is told. */
export class SessionError extends Error {
  readonly code: ErrorCodeName;

  constructor(code: ErrorCodeName, message: string) {
    super(message);
    this.name = 'SessionError';
    this.code = code;
  }
}

/** Field 4 of a message, 32 bytes long: the signature over everything before. */
const SIGNATURE_FIELD = Uint8Array.of(0x22, 0x20);
const SIGNATURE_BYTES = 32;
const TRAILER_BYTES = SIGNATURE_FIELD.length + SIGNATURE_BYTES;
/** What the signing key of a direction is derived with, in front of the handshake's hash. */
const SIGNING_LABEL = new TextEncoder().encode('yggdrasil ratatoskr 1 signature');

/** The most bytes of a message that is encrypted into one. */
export const PAYLOAD_BYTES_MAX = NOISE_MESSAGE_BYTES_MAX - AEAD_TAG_BYTES;

interface Direction<Key> {
  readonly cipher: CipherState;
  readonly signingKey: Key;
  readonly place: Place;
  sequence: number;
}

/**
 * The messages of a session once its keys are agreed, in both directions. What was changed, comes twice, out of order, after a gap or
 * from another session throws SessionError; the channel must not be used after that.
 */
export class Channel<Key> {
  readonly #signer: MessageSigner<Key>;
  readonly #role: 'initiator' | 'responder';
  readonly #outgoing: Direction<Key>;
  readonly #incoming: Direction<Key>;
  #isClear = false;

  constructor(
    { send, receive, handshakeHash }: HandshakeResult,
    dependencies: {
      readonly role: 'initiator' | 'responder';
      readonly crypto: NoiseCrypto;
      readonly signer: MessageSigner<Key>;
    },
  ) {
    const { role, crypto, signer } = dependencies;
    const directionOf = (cipher: CipherState): Direction<Key> => ({
      cipher,
      signingKey: signer.importKey(crypto.hmacSha256(cipher.key, joined([SIGNING_LABEL, handshakeHash]))),
      place: new Place(),
      sequence: 0,
    });
    this.#signer = signer;
    this.#role = role;
    this.#outgoing = directionOf(send);
    this.#incoming = directionOf(receive);
  }

  /** From now on payloads are signed and numbered, but not encrypted: in both directions, until the end. */
  stopEncrypting(): void {
    this.#isClear = true;
  }

  /** The bytes of the next message. */
  seal(type: RatatoskrType, payload: Uint8Array): Uint8Array {
    const { cipher, signingKey, place } = this.#outgoing;
    const sequence = ++this.#outgoing.sequence;
    const { message, head } = envelopeOf(
      { type, sequence, payloadBytes: payload.length + (this.#isClear ? 0 : AEAD_TAG_BYTES) },
      TRAILER_BYTES,
    );
    const contentLength = message.length - TRAILER_BYTES;
    if (this.#isClear) message.set(payload, head);
    else cipher.encryptInto(place.of(type, sequence), payload, message.subarray(head, contentLength));
    message.set(SIGNATURE_FIELD, contentLength);
    const content = message.subarray(0, contentLength);
    this.#signer.signInto(signingKey, content, message, contentLength + SIGNATURE_FIELD.length);
    return message;
  }

  /** The number of the last message sent. */
  get sentSequence(): number {
    return this.#outgoing.sequence;
  }

  /** Reads the other side's next message. Throws SessionError. */
  open(bytes: Uint8Array): OpenedMessage {
    const contentLength = bytes.length - TRAILER_BYTES;
    if (contentLength < 0 || bytes.length > MESSAGE_BYTES_MAX) throw malformed();
    const content = bytes.subarray(0, contentLength);
    const [tag, length] = [bytes[contentLength], bytes[contentLength + 1]];
    if (tag !== SIGNATURE_FIELD[0] || length !== SIGNATURE_FIELD[1]) throw malformed();
    const signature = bytes.subarray(contentLength + SIGNATURE_FIELD.length);
    if (!this.#signer.verify(this.#incoming.signingKey, content, signature)) {
      throw new SessionError('ratatoskr_signature_wrong', 'A message is not signed for this session.');
    }
    const { type, sequence, payload } = this.#decode(content);
    if (sequence !== this.#incoming.sequence + 1) {
      throw new SessionError('ratatoskr_sequence_wrong', 'A message is missing, or came before.');
    }
    this.#incoming.sequence = sequence;
    // A copy, as a decrypted one is: the message is its sender's buffer.
    const opened = this.#isClear ? payload.slice() : this.#decrypt(type, sequence, payload);
    return { type, sequence, payload: opened };
  }

  #decode(content: Uint8Array) {
    try {
      return this.#role === 'initiator'
        ? decodePayload(RatatoskrResponse, content)
        : decodePayload(RatatoskrRequest, content);
    } catch (error) {
      if (error instanceof PayloadError) throw malformed();
      throw error;
    }
  }

  #decrypt(type: RatatoskrType, sequence: number, payload: Uint8Array): Uint8Array {
    try {
      const { cipher, place } = this.#incoming;
      return cipher.decrypt(place.of(type, sequence), payload);
    } catch (error) {
      if (error instanceof NoiseError) throw malformed();
      throw error;
    }
  }
}

/** The associated data of a payload: its type in one byte and its number in eight, the highest first. */
class Place {
  readonly #bytes = new Uint8Array(9);
  readonly #view = new DataView(this.#bytes.buffer);

  /** Valid until the next call. */
  of(type: number, sequence: number): Uint8Array {
    this.#view.setUint8(0, type);
    this.#view.setUint32(1, Math.floor(sequence / 2 ** 32));
    this.#view.setUint32(5, sequence % 2 ** 32);
    return this.#bytes;
  }
}

function malformed(): SessionError {
  return new SessionError('ratatoskr_message_malformed', 'A message can not be read.');
}
