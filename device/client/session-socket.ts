import {
  BusinessRequest,
  BusinessResponse,
  ConnectionRequest,
  ConnectionResponse,
  DeviceSigned,
  Disconnect,
  decodePayload,
  encodePayload,
  errorCodeName,
  Heartbeat,
  PayloadError,
  RatatoskrType,
  StreamCredit,
  StreamData,
} from '../../proto/index.ts';
import {
  CLEAR_FEATURE,
  type DeviceSigning,
  deviceSignedBytes,
  type KeyPair,
  type OpenedMessage,
  PIECE_BYTES_MAX,
  type ProviderType,
  PUZZLES_FEATURE,
  RATATOSKR_SUBPROTOCOL,
  RatatoskrSession,
  RESUMPTION_FEATURE,
  requestTypeOf,
  type SessionDependencies,
  SessionError,
  SIGNATURES_FEATURE,
  SIGNED_TYPES,
  TIMES_FEATURE,
  TYPES_FEATURE,
  WORK_TYPES,
  type WorkType,
} from '../../proto/ratatoskr/index.ts';
import { BifrostError } from './errors.ts';
import { PING_INTERVAL_SHARE, SOCKET_BUFFER_BYTES_MAX, WELCOME_TIMEOUT_MS } from './limits.ts';
import type { BifrostSocket, Clock } from './ports.ts';
import { AnswerBody, type SessionAnswer } from './session-answer.ts';

/** Starts a connection; no credential is part of it. */
export type SessionSocketOpener = (url: string, subprotocol: string) => BifrostSocket;

/** Who connects where. */
export interface SessionTarget {
  readonly url: string;
  readonly token: string;
  readonly tenantId: string;
  readonly staticKey: KeyPair;
  /** Of a device: what its messages about money are signed with (Ed25519). Null: it is none. */
  readonly signatureKey: KeyPair | null;
  readonly serverKey: Uint8Array | null;
  /** Payloads need not be encrypted, where the server thinks so, too. */
  readonly declinesEncryption: boolean;
  /** Of the session before, to be resumed; null: the token opens it. */
  readonly ticket: Uint8Array | null;
}

/** A request as it is sent. */
export interface SentRequest {
  readonly operation: string;
  readonly input: Uint8Array;
  readonly tenantId: string;
}

/** How a session ended. `code` null: the connection was lost without a word. */
export interface SessionEnding {
  readonly code: BifrostError['code'] | null;
  readonly message: string;
  readonly retryAfterMs: number;
}

/** What a provider is sent. */
export interface WorkMessage {
  readonly type: WorkType;
  readonly payload: Uint8Array;
}

/** What a session tells its client. */
export interface SessionHandlers {
  /**
   * Requests may be sent, so many at the same time; the server's key is the one it has shown, the ticket resumes the session.
   */
  opened(requestsMax: number, serverKey: Uint8Array, ticket: Uint8Array | null): void;
  /** An answer is complete: another request may run. */
  freed(): void;
  /** Work for a provider, or something about it. */
  work(message: WorkMessage): void;
  /** The server refuses what was sent by `send`. */
  refused(answer: SessionAnswer): void;
  ended(end: SessionEnding): void;
}

const KNOWN_FEATURES = RESUMPTION_FEATURE | TYPES_FEATURE | TIMES_FEATURE | PUZZLES_FEATURE;

interface Asked {
  readonly resolve: (answer: SessionAnswer) => void;
  readonly reject: (error: BifrostError) => void;
  body: AnswerBody | null;
  /** Asks once more; null: it was done, or can't be. */
  readonly repeat: (() => void) | null;
}

/** One session over one WebSocket, from its handshake to its end. */
export class SessionSocket<Key> {
  readonly #target: SessionTarget;
  readonly #clock: Clock;
  readonly #handlers: SessionHandlers;
  readonly #session: RatatoskrSession<Key>;
  readonly #signing: DeviceSigning;
  readonly #socket: BifrostSocket;
  readonly #asked = new Map<number, Asked>();
  #cancelTimer: () => void;
  #end: SessionEnding = LOST;
  #isOver = false;
  #silentIntervals = 0;
  #hasSentWork = false;
  /** The extensions that the server uses, too. */
  #features = 0;
  /** How much the server's clock is ahead of ours. */
  #aheadMs = 0;

  constructor(
    target: SessionTarget,
    dependencies: SessionDependencies<Key> & {
      readonly openSocket: SessionSocketOpener;
      readonly signing: DeviceSigning;
      readonly clock: Clock;
      readonly handlers: SessionHandlers;
    },
  ) {
    this.#target = target;
    this.#clock = dependencies.clock;
    this.#handlers = dependencies.handlers;
    this.#signing = dependencies.signing;
    const { session, first } = RatatoskrSession.begin(
      { ...target, features: featuresOf(target) },
      dependencies,
    );
    this.#session = session;
    const socket = dependencies.openSocket(target.url, RATATOSKR_SUBPROTOCOL);
    this.#socket = socket;
    socket.binaryType = 'arraybuffer';
    socket.onopen = () => socket.send(first);
    socket.onmessage = ({ data }) => this.#received(data);
    socket.onerror = ({ message }) => {
      if (message && this.#end === LOST) this.#end = { ...LOST, message };
    };
    socket.onclose = ({ code, reason }) => this.#closed(code, reason);
    this.#cancelTimer = this.#clock.after(WELCOME_TIMEOUT_MS, () => this.close());
  }

  /** Requests that are not answered to their end. */
  get running(): number {
    return this.#asked.size;
  }

  /**
   * Sends a request; resolves with the beginning of its answer. One that is refused for its time, so not carried out, is sent once more by
   * the server's, which comes with the refusal. Rejects with `session_lost` when the session ends first.
   */
  ask(request: SentRequest): Promise<SessionAnswer> {
    return new Promise((resolve, reject) => {
      const asked = { resolve, reject, body: null };
      const repeat = () => this.#ask(request, { ...asked, repeat: null });
      this.#ask(request, { ...asked, repeat });
    });
  }

  #ask({ operation, input, tenantId }: SentRequest, asked: Asked): void {
    const more = input.length > PIECE_BYTES_MAX;
    const beginning = input.subarray(0, PIECE_BYTES_MAX);
    const isTyped = (this.#features & TYPES_FEATURE) !== 0;
    const type = isTyped ? requestTypeOf(operation) : RatatoskrType.BUSINESS_REQUEST;
    const sentAtMs = (this.#features & TIMES_FEATURE) === 0 ? 0 : this.#clock.nowMs() + this.#aheadMs;
    const request = { operation, input: beginning, more, tenantId, sentAtMs };
    this.#send(type, encodePayload(BusinessRequest, request));
    const number = this.#session.sentSequence;
    this.#asked.set(number, asked);
    for (let at = PIECE_BYTES_MAX; at < input.length; at += PIECE_BYTES_MAX) {
      const data = input.subarray(at, at + PIECE_BYTES_MAX);
      const last = at + PIECE_BYTES_MAX >= input.length;
      this.#send(RatatoskrType.STREAM_DATA, encodePayload(StreamData, { request: number, data, last }));
    }
  }

  /** Says what a provider serves; resolves with the answer. Rejects with `session_lost` when the session ends first. */
  register(payload: Uint8Array): Promise<SessionAnswer> {
    this.#send(
      RatatoskrType.PROVIDER_REGISTRATION,
      this.#signed(RatatoskrType.PROVIDER_REGISTRATION, payload),
    );
    return new Promise((resolve, reject) => {
      this.#asked.set(this.#session.sentSequence, { resolve, reject, body: null, repeat: null });
    });
  }

  /** Sends a message of a provider. False: the session isn't open, or too much waits in the socket. */
  send(type: ProviderType, payload: Uint8Array): boolean {
    if (this.#session.state !== 'open' || this.#socket.bufferedAmount > SOCKET_BUFFER_BYTES_MAX) return false;
    this.#hasSentWork = true;
    this.#send(type, this.#signed(type, payload));
    return true;
  }

  /** The payload of the next message: where it moves money, with the device's signature. */
  #signed(type: RatatoskrType, message: Uint8Array): Uint8Array {
    const { signatureKey } = this.#target;
    const { handshakeHash } = this.#session;
    const isSigned = (this.#features & SIGNATURES_FEATURE) !== 0 && SIGNED_TYPES.has(type);
    if (!isSigned || signatureKey === null || handshakeHash === null) return message;
    const placed = { type, sequence: this.#session.sentSequence + 1, message };
    const signature = this.#signing.sign(signatureKey.privateKey, deviceSignedBytes(handshakeHash, placed));
    return encodePayload(DeviceSigned, { message, signature });
  }

  /** Ends the session and its connection. */
  close(): void {
    if (this.#session.state === 'open') {
      this.#socket.send(this.#session.send(RatatoskrType.DISCONNECT, encodePayload(Disconnect, {})));
    }
    this.#socket.close();
    this.#closed(1000, '');
  }

  #received(data: unknown): void {
    if (this.#isOver) return;
    this.#silentIntervals = 0;
    try {
      if (!(data instanceof ArrayBuffer)) throw new SessionError('ratatoskr_message_malformed', 'Text came.');
      const before = this.#session.state;
      const { reply, message } = this.#session.receive(new Uint8Array(data));
      if (reply !== null) this.#socket.send(reply);
      if (before === 'handshake' && this.#session.state === 'connecting') this.#introduce();
      if (message !== null) this.#handle(message);
    } catch (error) {
      this.#fail(error);
    }
  }

  #introduce(): void {
    const { token, tenantId, ticket, signatureKey } = this.#target;
    const shown = ticket === null ? { token, tenantId } : { ticket };
    const request = { ...shown, ...(signatureKey === null ? {} : { signatureKey: signatureKey.publicKey }) };
    this.#send(RatatoskrType.CONNECTION_REQUEST, encodePayload(ConnectionRequest, request));
  }

  #handle({ type, payload }: OpenedMessage): void {
    if (type === RatatoskrType.CONNECTION_RESPONSE) this.#opened(decodePayload(ConnectionResponse, payload));
    else if (type === RatatoskrType.BUSINESS_RESPONSE)
      this.#answered(decodePayload(BusinessResponse, payload));
    else if (type === RatatoskrType.STREAM_DATA) this.#continued(decodePayload(StreamData, payload));
    else if (type === RatatoskrType.HEARTBEAT) this.#setClock(decodePayload(Heartbeat, payload));
    else if (isWorkType(type)) this.#handlers.work({ type, payload });
    else if (type === RatatoskrType.DISCONNECT) {
      const { code, message, retryAfterSeconds } = decodePayload(Disconnect, payload);
      this.#end = { code: errorCodeName(code), message, retryAfterMs: retryAfterSeconds * 1000 };
      this.#socket.close();
      // Nothing can be asked any more, however long the connection takes to close.
      this.#closed(1000, '');
    }
  }

  #opened(response: InstanceType<typeof ConnectionResponse>): void {
    const { heartbeatIntervalMs, requestsMax, ticket, features } = response;
    this.#features = features;
    this.#setClock(response);
    if ((features & CLEAR_FEATURE) !== 0) this.#session.stopEncrypting();
    this.#cancelTimer();
    this.#keepAlive(heartbeatIntervalMs * PING_INTERVAL_SHARE);
    const serverKey = this.#session.remoteStaticKey ?? new Uint8Array(0);
    this.#handlers.opened(requestsMax, serverKey, ticket.length === 0 ? null : ticket);
  }

  /** What was held back on the way makes ours late, never early: a request that is held back, too, is refused all the same. */
  #setClock({ serverTimeMs }: { readonly serverTimeMs: number }): void {
    if (serverTimeMs > 0) this.#aheadMs = serverTimeMs - this.#clock.nowMs();
  }

  /** A HEARTBEAT in each interval; the end when the server, which answers each, is silent for longer than its own. */
  #keepAlive(intervalMs: number): void {
    if (intervalMs <= 0) return;
    this.#cancelTimer = this.#clock.after(intervalMs, () => {
      this.#silentIntervals++;
      if (this.#silentIntervals > Math.ceil(1 / PING_INTERVAL_SHARE)) {
        this.#end = { ...LOST, message: 'The server is silent.' };
        this.#socket.close();
        this.#closed(1006, '');
        return;
      }
      this.#send(RatatoskrType.HEARTBEAT, new Uint8Array(0));
      this.#keepAlive(intervalMs);
    });
  }

  #answered(response: InstanceType<typeof BusinessResponse>): void {
    const { request } = response;
    this.#setClock(response);
    const asked = this.#asked.get(request);
    if (asked === undefined) {
      this.#refused(response);
      return;
    }
    if (asked.body !== null) throw unexpected();
    // Of refusals only that of a request's time says the server's.
    if (response.status >= 400 && response.serverTimeMs > 0 && asked.repeat !== null) {
      this.#asked.delete(request);
      asked.repeat();
      return;
    }
    const body = new AnswerBody({
      taken: (bytes) => this.#send(RatatoskrType.STREAM_CREDIT, creditOf({ request, bytes })),
      cancel: () => this.#send(RatatoskrType.STREAM_CREDIT, creditOf({ request, bytes: 0, cancel: true })),
    });
    asked.body = body;
    if (!response.more) this.#asked.delete(request);
    if (!response.more) body.complete();
    body.add(response.body);
    const { status, contentType, retryAfterSeconds, requestId } = response;
    asked.resolve({ status, contentType, retryAfterSeconds, requestId, body });
    if (!response.more) this.#handlers.freed();
  }

  /** What a provider sends is answered only where it is refused. */
  #refused(response: InstanceType<typeof BusinessResponse>): void {
    const { request, status, contentType, retryAfterSeconds, requestId } = response;
    const isRefusal = this.#hasSentWork && status >= 400 && !response.more;
    if (!isRefusal || request > this.#session.sentSequence) throw unexpected();
    const body = new AnswerBody({ taken: () => {}, cancel: () => {} });
    body.complete();
    body.add(response.body);
    this.#handlers.refused({ status, contentType, retryAfterSeconds, requestId, body });
  }

  #continued({ request, data, last, broken }: InstanceType<typeof StreamData>): void {
    const body = this.#asked.get(request)?.body;
    if (body === undefined || body === null) throw unexpected();
    body.add(data);
    if (!last) return;
    this.#asked.delete(request);
    if (broken) body.fail(new BifrostError('session_lost', 'The answer broke off.'));
    else body.complete();
    this.#handlers.freed();
  }

  #send(type: RatatoskrType, payload: Uint8Array): void {
    if (!this.#isOver) this.#socket.send(this.#session.send(type, payload));
  }

  /** What the server sent doesn't belong there: somebody is on the way. */
  #fail(error: unknown): void {
    if (!(error instanceof SessionError) && !(error instanceof PayloadError)) throw error;
    const code = error instanceof SessionError ? error.code : 'ratatoskr_message_malformed';
    this.#end = { code, message: error.message, retryAfterMs: 0 };
    this.#socket.close();
    this.#closed(1000, '');
  }

  #closed(closeCode: number, reason: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#cancelTimer();
    this.#session.end();
    if (this.#end.code === null && closeCode >= 4000) {
      const code = reason as BifrostError['code'];
      this.#end = { code, message: `The server ended the session: ${reason}`, retryAfterMs: 0 };
    }
    const lost = new BifrostError(
      'session_lost',
      `The session ended before the answer: ${this.#end.message}`,
    );
    for (const { body, reject } of this.#asked.values()) {
      if (body === null) reject(lost);
      else body.fail(lost);
    }
    this.#asked.clear();
    this.#handlers.ended(this.#end);
  }
}

const LOST: SessionEnding = { code: null, message: 'The connection was lost.', retryAfterMs: 0 };

/** The extensions that a client knows. */
function featuresOf({ declinesEncryption, signatureKey }: SessionTarget): number {
  const declined = declinesEncryption ? CLEAR_FEATURE : 0;
  return KNOWN_FEATURES | declined | (signatureKey === null ? 0 : SIGNATURES_FEATURE);
}

const WORK_TYPE_SET: ReadonlySet<RatatoskrType> = new Set(WORK_TYPES);

function isWorkType(type: RatatoskrType): type is WorkType {
  return WORK_TYPE_SET.has(type);
}

const creditOf = (credit: { request: number; bytes: number; cancel?: boolean }) =>
  encodePayload(StreamCredit, credit);

function unexpected(): SessionError {
  return new SessionError('ratatoskr_type_unexpected', 'An answer came that nobody asked for.');
}
