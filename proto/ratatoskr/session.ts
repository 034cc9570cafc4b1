import {
  decodePayload,
  encodePayload,
  PayloadError,
  RatatoskrHandshake,
  RatatoskrPattern,
  RatatoskrType,
} from '../index.ts';
import { Channel, type MessageSigner, type OpenedMessage, SessionError } from './channel.ts';
import { CLEAR_FEATURE, PUZZLES_FEATURE, RATATOSKR_VERSION } from './limits.ts';
import {
  Handshake,
  joined,
  type KeyPair,
  type NoiseCrypto,
  NoiseError,
  type SessionPattern,
} from './noise.ts';
import { isSolution, PUZZLE_BITS_MAX, PUZZLE_BYTES, type Puzzle, solve } from './puzzle.ts';
import { REQUEST_TYPES } from './request-types.ts';

/**
 * Where a session is. `handshake`: keys are being agreed. `connecting`: the client says who it is, or has said it. `open`:
 * requests and answers. `ended`: nothing is sent or taken any more.
 */
export type SessionState = 'handshake' | 'connecting' | 'open' | 'ended';

/** What bytes from the other side come to. */
export interface Received {
  /** To be sent now: the next message of the handshake. */
  readonly reply: Uint8Array | null;
  /** A message, once the keys are agreed. */
  readonly message: OpenedMessage | null;
}

/** What both sides of a session are made with. */
export interface SessionDependencies<Key> {
  readonly crypto: NoiseCrypto;
  readonly signer: MessageSigner<Key>;
}

/** What a message of the handshake holds. */
type HandshakeMessage = ReturnType<typeof decodeHandshake>;

const { CONNECTION_REQUEST, CONNECTION_RESPONSE } = RatatoskrType;
const { BUSINESS_RESPONSE, STREAM_DATA, STREAM_CREDIT } = RatatoskrType;
const { HEARTBEAT, DISCONNECT, PROVIDER_REGISTRATION } = RatatoskrType;
const { COMPUTE_REQUEST, COMPUTE_BODY, COMPUTE_CREDIT, COMPUTE_CANCEL } = RatatoskrType;
const { COMPUTE_DELTA, COMPUTE_ALIVE, COMPUTE_RESULT } = RatatoskrType;

/** What a provider sends. */
export const PROVIDER_TYPES = [
  PROVIDER_REGISTRATION,
  COMPUTE_CREDIT,
  COMPUTE_DELTA,
  COMPUTE_ALIVE,
  COMPUTE_RESULT,
] as const;
/** What a provider is sent. */
export const WORK_TYPES = [COMPUTE_REQUEST, COMPUTE_BODY, COMPUTE_CREDIT, COMPUTE_CANCEL] as const;

/** A type of message that a provider sends. */
export type ProviderType = (typeof PROVIDER_TYPES)[number];
/** A type of message that a provider is sent. */
export type WorkType = (typeof WORK_TYPES)[number];

/** Who sends what in which state, `connecting` until CONNECTION_RESPONSE. */
const ALLOWED: Readonly<
  Record<'initiator' | 'responder', Readonly<Record<'connecting' | 'open', ReadonlySet<RatatoskrType>>>>
> = {
  initiator: {
    connecting: new Set([CONNECTION_REQUEST, DISCONNECT]),
    open: new Set([
      ...REQUEST_TYPES,
      ...[STREAM_DATA, STREAM_CREDIT, HEARTBEAT, DISCONNECT],
      ...PROVIDER_TYPES,
    ]),
  },
  responder: {
    connecting: new Set([CONNECTION_RESPONSE, DISCONNECT]),
    open: new Set([BUSINESS_RESPONSE, STREAM_DATA, HEARTBEAT, DISCONNECT, ...WORK_TYPES]),
  },
};

/**
 * One side of a session, from the first byte to the last: bytes in, bytes out, nothing else happens in it. Bytes that do not belong
 * where they come end it: `receive` throws SessionError, and the state is `ended`.
 */
export class RatatoskrSession<Key> {
  readonly #role: 'initiator' | 'responder';
  readonly #staticKeys: readonly KeyPair[];
  readonly #dependencies: SessionDependencies<Key>;
  #handshake: Handshake | null = null;
  #channel: Channel<Key> | null = null;
  #remoteStaticKey: Uint8Array | null = null;
  #handshakeHash: Uint8Array | null = null;
  #state: SessionState = 'handshake';
  #hasAsked = false;
  #features = 0;
  /** The client's first message, until it is answered. */
  #first: Uint8Array | null = null;
  /** What the server asks to be solved; null: nothing. */
  #newPuzzle: () => Puzzle | null = () => null;
  #puzzle: Puzzle | null = null;

  private constructor(
    role: 'initiator' | 'responder',
    staticKeys: readonly KeyPair[],
    dependencies: SessionDependencies<Key>,
  ) {
    this.#role = role;
    this.#staticKeys = staticKeys;
    this.#dependencies = dependencies;
  }

  /** The client's side, and its first bytes: by IK where it knows the server's key, else by XX. */
  static begin<Key>(
    {
      staticKey,
      serverKey,
      features = 0,
    }: {
      readonly staticKey: KeyPair;
      readonly serverKey: Uint8Array | null;
      /** A bit for each extension that the client wants. */
      readonly features?: number;
    },
    dependencies: SessionDependencies<Key>,
  ): { session: RatatoskrSession<Key>; first: Uint8Array } {
    const session = new RatatoskrSession<Key>('initiator', [staticKey], dependencies);
    const pattern = serverKey === null ? 'XX' : 'IK';
    session.#features = features;
    session.#handshake = new Handshake(
      {
        pattern,
        role: 'initiator',
        prologue: prologueOf(pattern, features),
        staticKey,
        ...(serverKey === null ? {} : { remoteStaticKey: serverKey }),
      },
      dependencies.crypto,
    );
    const first = encodePayload(RatatoskrHandshake, {
      version: RATATOSKR_VERSION,
      pattern: RatatoskrPattern[pattern],
      features,
      noise: session.#handshake.write(),
    });
    session.#first = first;
    return { session, first };
  }

  /**
   * The server's side. The first of its keys is the one it shows; by IK clients may know any of them. `newPuzzle` is asked when the first
   * message has come: what its client has to solve before keys are agreed; null: nothing.
   */
  static await<Key>(
    {
      staticKeys,
      newPuzzle = () => null,
    }: { readonly staticKeys: readonly KeyPair[]; readonly newPuzzle?: () => Puzzle | null },
    dependencies: SessionDependencies<Key>,
  ): RatatoskrSession<Key> {
    const session = new RatatoskrSession<Key>('responder', staticKeys, dependencies);
    session.#newPuzzle = newPuzzle;
    return session;
  }

  get state(): SessionState {
    return this.#state;
  }

  /** What the client wants of extensions, as it said in the handshake. */
  get features(): number {
    return this.#features;
  }

  /** Whose private key the other side has. Null while that isn't sure. */
  get remoteStaticKey(): Uint8Array | null {
    return this.#remoteStaticKey;
  }

  /** What names this session to both sides and to nobody else (Noise, section 11.2). Null before the keys are agreed. */
  get handshakeHash(): Uint8Array | null {
    return this.#handshakeHash;
  }

  /** Reads what came. Throws SessionError for what doesn't belong there, and the session is ended. */
  receive(bytes: Uint8Array): Received {
    if (this.#state === 'ended') throw ended();
    try {
      const { message, reply } =
        this.#channel === null
          ? { message: null, reply: this.#receiveHandshake(bytes) }
          : { message: this.#channel.open(bytes), reply: null };
      if (message !== null) this.#pass(message.type, this.#role === 'initiator' ? 'responder' : 'initiator');
      return { message, reply };
    } catch (error) {
      this.#state = 'ended';
      throw error;
    }
  }

  /** The bytes of a message. Throws SessionError, and changes nothing, where this side may not send it now. */
  send(type: RatatoskrType, payload: Uint8Array): Uint8Array {
    if (this.#channel === null) throw this.#state === 'ended' ? ended() : unexpected();
    this.#pass(type, this.#role);
    return this.#channel.seal(type, payload);
  }

  /**
   * Both sides have declined encryption: the client by its features, which the handshake covers, the server in CONNECTION_RESPONSE, which is
   * still encrypted. Throws SessionError where the client did not.
   */
  stopEncrypting(): void {
    if (this.#channel === null || this.#state !== 'open' || (this.#features & CLEAR_FEATURE) === 0)
      throw unexpected();
    this.#channel.stopEncrypting();
  }

  /** The number of the last message sent. */
  get sentSequence(): number {
    return this.#channel?.sentSequence ?? 0;
  }

  /** The connection is gone. */
  end(): void {
    this.#state = 'ended';
  }

  /** A message of this type goes one way or the other: where that leads. */
  #pass(type: RatatoskrType, sender: 'initiator' | 'responder'): void {
    const state = this.#state;
    if (state === 'ended') throw ended();
    if (state === 'handshake' || !ALLOWED[sender][state].has(type)) throw unexpected();
    if (type === CONNECTION_REQUEST) {
      if (this.#hasAsked) throw unexpected();
      this.#hasAsked = true;
    }
    if (type === CONNECTION_RESPONSE) {
      if (!this.#hasAsked) throw unexpected();
      this.#state = 'open';
    }
    if (type === DISCONNECT) this.#state = 'ended';
  }

  #receiveHandshake(bytes: Uint8Array): Uint8Array | null {
    const sent = decodeHandshake(bytes);
    try {
      if (this.#handshake === null) return this.#answerFirst(sent);
      if (sent.version !== 0 || sent.pattern !== 0 || sent.features !== 0) throw malformed();
      if (sent.puzzle.length > 0) return this.#solve(sent);
      if (sent.puzzleBits !== 0 || sent.solution.length > 0) throw malformed();
      this.#first = null;
      this.#handshake.read(sent.noise);
      const reply = this.#handshake.isComplete
        ? null
        : encodePayload(RatatoskrHandshake, { noise: this.#handshake.write() });
      this.#agree();
      return reply;
    } catch (error) {
      if (!(error instanceof NoiseError)) throw error;
      throw new SessionError('ratatoskr_handshake_failed', 'The keys could not be agreed.');
    }
  }

  /** The client's first message once more, with the solution: once, and only if it said that it solves puzzles. */
  #solve({ puzzle: bytes, puzzleBits: bits, noise, solution }: HandshakeMessage): Uint8Array {
    const first = this.#first;
    this.#first = null;
    const maySolve = first !== null && (this.#features & PUZZLES_FEATURE) !== 0;
    if (!maySolve || bytes.length !== PUZZLE_BYTES || noise.length + solution.length > 0) throw malformed();
    if (bits > PUZZLE_BITS_MAX) throw malformed();
    const solved = { ...decodeHandshake(first), solution: solve({ bytes, bits }, this.#dependencies.crypto) };
    return encodePayload(RatatoskrHandshake, solved);
  }

  /** What a first message is answered with in place of keys; null: it has solved what it had to, or there is nothing to solve. */
  #askToSolve({ features, solution }: HandshakeMessage): Uint8Array | null {
    if (this.#puzzle !== null) {
      if (isSolution(this.#puzzle, solution, this.#dependencies.crypto)) return null;
      throw new SessionError('rate_limited', 'The puzzle is not solved.');
    }
    if (solution.length > 0) throw malformed();
    this.#puzzle = this.#newPuzzle();
    if (this.#puzzle === null) return null;
    if ((features & PUZZLES_FEATURE) === 0) throw new SessionError('rate_limited', TOO_MANY);
    const { bytes: puzzle, bits: puzzleBits } = this.#puzzle;
    return encodePayload(RatatoskrHandshake, { puzzle, puzzleBits });
  }

  #answerFirst(sent: HandshakeMessage): Uint8Array {
    const { version, pattern, features, noise } = sent;
    if (version !== RATATOSKR_VERSION) {
      throw new SessionError('ratatoskr_version_unsupported', `Version ${RATATOSKR_VERSION} is spoken here.`);
    }
    const name = patternName(pattern);
    if (sent.puzzle.length > 0 || sent.puzzleBits !== 0) throw malformed();
    const asked = this.#askToSolve(sent);
    if (asked !== null) return asked;
    const handshake = this.#readFirst(name, prologueOf(name, features), noise);
    this.#handshake = handshake;
    this.#features = features;
    const reply = encodePayload(RatatoskrHandshake, { noise: handshake.write() });
    this.#agree();
    return reply;
  }

  /** The handshake with the key that the client knows. */
  #readFirst(pattern: SessionPattern, prologue: Uint8Array, noise: Uint8Array): Handshake {
    let failure: unknown = new NoiseError('there is no key');
    for (const staticKey of this.#staticKeys) {
      const { crypto } = this.#dependencies;
      const handshake = new Handshake({ pattern, role: 'responder', prologue, staticKey }, crypto);
      try {
        handshake.read(noise);
        return handshake;
      } catch (error) {
        failure = error;
      }
    }
    throw failure;
  }

  #agree(): void {
    if (!this.#handshake?.isComplete) return;
    const result = this.#handshake.split();
    this.#remoteStaticKey = result.remoteStaticKey;
    this.#handshakeHash = result.handshakeHash;
    this.#channel = new Channel(result, { ...this.#dependencies, role: this.#role });
    this.#handshake = null;
    this.#state = 'connecting';
  }
}

/**
 * The prologue: `yggdrasil ratatoskr` in ASCII, then version and pattern in one byte each and the client's features in four, the
 * highest first.
 */
function prologueOf(pattern: SessionPattern, features: number): Uint8Array {
  const numbers = new Uint8Array(6);
  const view = new DataView(numbers.buffer);
  view.setUint8(0, RATATOSKR_VERSION);
  view.setUint8(1, RatatoskrPattern[pattern]);
  view.setUint32(2, features);
  return joined([new TextEncoder().encode('yggdrasil ratatoskr'), numbers]);
}

function patternName(pattern: RatatoskrPattern): SessionPattern {
  if (pattern === RatatoskrPattern.IK) return 'IK';
  if (pattern === RatatoskrPattern.XX) return 'XX';
  throw malformed();
}

/** The message in the one form that libraries write: nothing else is covered by the keys that are agreed with it. */
function decodeHandshake(bytes: Uint8Array) {
  try {
    const message = decodePayload(RatatoskrHandshake, bytes);
    const written = encodePayload(RatatoskrHandshake, message);
    if (written.length !== bytes.length || written.some((byte, index) => byte !== bytes[index]))
      throw malformed();
    return message;
  } catch (error) {
    if (error instanceof PayloadError) throw malformed();
    throw error;
  }
}

const TOO_MANY = 'Too many sessions are being opened. Try again later.';

function malformed(): SessionError {
  return new SessionError('ratatoskr_message_malformed', 'A message can not be read.');
}

function unexpected(): SessionError {
  return new SessionError('ratatoskr_type_unexpected', 'This message does not belong here.');
}

function ended(): SessionError {
  return new SessionError('unavailable', 'The session is over.');
}
