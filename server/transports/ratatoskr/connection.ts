import {
  BusinessRequest,
  ConnectionRequest,
  ConnectionResponse,
  Disconnect,
  decodePayload,
  encodePayload,
  errorCodeNumber,
  Heartbeat,
  PayloadError,
  RatatoskrType,
  StreamCredit,
  StreamData,
} from '../../../proto/index.ts';
import {
  CLEAR_FEATURE,
  isRequestType,
  type KeyPair,
  type OpenedMessage,
  PROVIDER_TYPES,
  type ProviderType,
  PUZZLE_BYTES,
  type Puzzle,
  RatatoskrSession,
  RESUMPTION_FEATURE,
  type SessionDependencies,
  SessionError,
  SIGNATURES_FEATURE,
  TIMES_FEATURE,
  TYPES_FEATURE,
} from '../../../proto/ratatoskr/index.ts';
import type { DeviceService } from '../../domains/devices/index.ts';
import type { Arrival, ConnectionRegistry } from '../../domains/presence/index.ts';
import type { ResumptionService, SessionHolder } from '../../domains/sessions/index.ts';
import type { Actor } from '../../kernel/actor.ts';
import { AppError } from '../../kernel/errors.ts';
import type { TenantId } from '../../kernel/ids.ts';
import type { Logger } from '../../kernel/logger.ts';
import type { Random } from '../../kernel/random.ts';
import type { Socket, SocketHandler } from '../../platform/websocket/types.ts';
import { errorTable, logRefusal, toAppError } from '../error-table.ts';
import type { Connection } from '../pipeline/pipeline.ts';
import { principalIdOf } from '../pipeline/steps.ts';
import { tokenHolder } from '../pipeline/token-holder.ts';
import { encodeAnswer, encodeRefusal } from './answers.ts';
import { INPUT_BYTES_MAX, OPENING_TIMEOUT_MS, REQUESTS_MAX, STREAM_WINDOW_BYTES } from './limits.ts';
import type { OpeningConnections, OpeningPlace } from './opening.ts';
import { ProviderSession, type ProviderSessionDependencies } from './provider-session.ts';
import { type RequestDependencies, SessionRequests, type SessionShares } from './requests.ts';
import type { SessionCalls } from './session-calls.ts';
import { SessionTicket } from './session-ticket.ts';
import { TypeLimits } from './type-limits.ts';

/** What a connection needs, the same for all. */
export interface ConnectionDependencies<Key>
  extends RequestDependencies,
    ProviderSessionDependencies,
    SessionDependencies<Key> {
  readonly calls: SessionCalls;
  readonly devices: Pick<DeviceService, 'recordSeen'>;
  readonly resumption: Pick<ResumptionService, 'issue' | 'find' | 'use' | 'extend'>;
  readonly opening: OpeningConnections;
  readonly random: Pick<Random, 'bytes'>;
  /** The server's keys: the first is the one it shows. */
  readonly staticKeys: () => readonly KeyPair[];
  readonly connections: Pick<ConnectionRegistry, 'arrive'>;
  /** A tenant's shares of what arrives and of what waits to be taken in all sessions. */
  readonly sharesOf: (tenantId: TenantId) => SessionShares;
  readonly heartbeatIntervalMs: number;
  /** False: how many messages of a type come in a minute isn't looked at. */
  readonly countsRates: boolean;
  /** Clients may decline the encryption of payloads. */
  readonly mayBeClear: boolean;
  readonly logger: Logger;
}

/** RFC 6455 section 7.4.1: all was said. */
const CLOSE_NORMAL = 1000;

/**
 * One WebSocket of Ratatoskr: keys are agreed, the client says who it is, then every request is led to its operation. What doesn't
 * belong into the session ends it, with the code in DISCONNECT and in the closing of the WebSocket.
 */
export class RatatoskrConnection<Key> implements SocketHandler {
  readonly #socket: Socket;
  readonly #dependencies: ConnectionDependencies<Key>;
  readonly #session: RatatoskrSession<Key>;
  readonly #cancelTimeout: () => void;
  /** Its place among those that open; null: it has none. */
  readonly #place: OpeningPlace | null;
  #isOpening = true;
  #isOver = false;
  #actor: Actor | null = null;
  #requests: SessionRequests | null = null;
  #provider: ProviderSession | null = null;
  #ticket: SessionTicket | null = null;
  /** Where it came from: one object for the whole connection. */
  readonly #connection: Connection;
  /** Of a device that signs what moves money: its key. */
  #signatureKey: Uint8Array | null = null;
  readonly #limits: TypeLimits;
  #release: () => void = () => {};
  #heardAtMs: number;

  constructor(socket: Socket, dependencies: ConnectionDependencies<Key>) {
    this.#socket = socket;
    this.#dependencies = dependencies;
    const { clock, opening, staticKeys } = dependencies;
    this.#heardAtMs = clock.nowMs();
    this.#limits = new TypeLimits(dependencies);
    this.#connection = { remoteAddress: socket.remoteAddress, requestId: null };
    const newPuzzle = () => this.#newPuzzle();
    this.#session = RatatoskrSession.await({ staticKeys: staticKeys(), newPuzzle }, dependencies);
    this.#place = opening.enter(socket.remoteAddress, () => this.end(tooMany()));
    this.#cancelTimeout = clock.after(OPENING_TIMEOUT_MS, () => this.end(tooSlow()));
    if (this.#place === null) this.end(tooMany());
  }

  /** A message came. */
  received(message: Uint8Array, isBinary: boolean): void {
    if (this.#isOver) return;
    this.#heardAtMs = this.#dependencies.clock.nowMs();
    try {
      if (!isBinary) throw malformed();
      const { reply, message: opened } = this.#session.receive(message);
      if (reply !== null) this.#sendBytes(reply);
      if (opened !== null) this.#handle(opened);
    } catch (error) {
      const refusal = toRefusal(error);
      if (refusal !== error) this.#noteBroken(refusal);
      this.end(refusal);
    }
  }

  #newPuzzle(): Puzzle | null {
    const bits = this.#place?.puzzleBits ?? 0;
    return bits === 0 ? null : { bytes: this.#dependencies.random.bytes(PUZZLE_BYTES), bits };
  }

  /** The socket is gone. */
  closed(): void {
    this.#leave();
  }

  /** Ends the session: says why, where the client can read it, and closes. */
  end(reason: AppError): void {
    if (this.#isOver) return;
    const { kind, code, publicMessage: message, details } = reason;
    const seconds = Number(details?.retryAfterSeconds ?? 0);
    if (this.#session.state === 'connecting' || this.#session.state === 'open') {
      const last = { code: errorCodeNumber(code), message, retryAfterSeconds: seconds };
      this.#socket.send(this.#session.send(RatatoskrType.DISCONNECT, encodePayload(Disconnect, last)));
    }
    this.#leave();
    const fields = { operation: 'ratatoskr.sessions.open', remoteAddress: this.#socket.remoteAddress };
    logRefusal(this.#dependencies.logger, reason, fields, 'session ended');
    this.#socket.close(errorTable[kind].webSocketCloseCode, code);
  }

  #handle({ type, sequence, payload }: OpenedMessage): void {
    const excess = this.#limits.excessOf(type, payload.length);
    // Without the rest of a stream, or who it is, the session can't go on.
    if (excess !== null && !isProviderType(type) && !isRequestType(type)) throw excess;
    if (type === RatatoskrType.CONNECTION_REQUEST) {
      void this.#open(decodePayload(ConnectionRequest, payload));
      return;
    }
    if (type === RatatoskrType.DISCONNECT) {
      this.#leave();
      this.#socket.close(CLOSE_NORMAL, '');
      return;
    }
    const [actor, requests] = [this.#actor, this.#requests];
    // The session lets nothing else through before it is open.
    if (actor === null || requests === null) throw malformed();
    if (isProviderType(type)) {
      this.#provider ??= this.#beginProviding(actor);
      if (excess === null) this.#provider.received({ type, sequence, payload });
      else {
        this.#dependencies.calls.control(actor, excess, this.#connection);
        this.#provider.refuse(type, sequence, excess);
      }
      return;
    }
    if (isRequestType(type)) {
      const asked = decodePayload(BusinessRequest, payload);
      const found = excess ?? requests.find(type, asked);
      // It is counted here, too: not all of them come as far as an operation that counts them.
      this.#dependencies.calls.control(actor, found instanceof AppError ? found : null, this.#connection);
      if (found instanceof AppError) requests.refuse(sequence, asked, found);
      else requests.begin(sequence, asked, found);
      return;
    }
    this.#dependencies.calls.control(actor, null, this.#connection);
    if (type === RatatoskrType.HEARTBEAT) {
      this.#ticket?.stillOpen();
      this.#send(RatatoskrType.HEARTBEAT, encodePayload(Heartbeat, this.#serverTime));
    } else if (type === RatatoskrType.STREAM_CREDIT) requests.addCredit(decodePayload(StreamCredit, payload));
    else {
      const { request, data, last } = decodePayload(StreamData, payload);
      requests.addInput(request, data, last);
    }
  }

  /** What is no message of this session ends it; whose session it is has that in the audit. */
  #noteBroken(refusal: AppError): void {
    if (this.#actor === null) return;
    try {
      this.#dependencies.calls.control(this.#actor, refusal, this.#connection);
    } catch {
      // Too many messages came beside: the first reason is told.
    }
  }

  #beginProviding(actor: Actor): ProviderSession {
    const channel = {
      send: (type: RatatoskrType, payload: Uint8Array) => this.#sendWork(type, payload),
      answer: (sequence: number, outcome: AppError | string) => this.#answer(sequence, outcome),
      end: (reason: AppError) => this.end(reason),
    };
    const [publicKey, { handshakeHash }] = [this.#signatureKey, this.#session];
    const signer = publicKey === null || handshakeHash === null ? null : { publicKey, handshakeHash };
    return new ProviderSession({ actor, connection: this.#connection, signer }, channel, this.#dependencies);
  }

  /** Answers what is no request of an operation: it was taken, under this name, or refused. */
  #answer(sequence: number, outcome: AppError | string): void {
    const payload =
      typeof outcome === 'string'
        ? encodeAnswer(sequence, {
            requestId: outcome,
            response: { status: 204 },
            body: new Uint8Array(0),
            more: false,
          })
        : encodeRefusal(sequence, { error: outcome, path: '' }, this.#dependencies);
    this.#send(RatatoskrType.BUSINESS_RESPONSE, payload);
  }

  /** Finds out who it is; whoever loses what it needs meanwhile doesn't come in. */
  async #open(asked: InstanceType<typeof ConnectionRequest>): Promise<void> {
    const { calls, connections, identify, newRequestId, resumption } = this.#dependencies;
    const { remoteAddress } = this.#socket;
    const requestId = newRequestId();
    const arrival = connections.arrive();
    try {
      const publicKey = this.#session.remoteStaticKey ?? new Uint8Array(0);
      const { ticket, ...shown } = { token: asked.token, tenantId: asked.tenantId, ticket: asked.ticket };
      const holder = ticket.length === 0 ? { ...shown, publicKey } : await resumption.find(ticket, publicKey);
      if (holder === null) throw notResumable();
      const { token, tenantId } = holder;
      const caller = { remoteAddress, requestId, ...tokenHolder(identify, token, tenantId) };
      const signatureKey = this.#has(SIGNATURES_FEATURE) ? asked.signatureKey : null;
      const admit = (actor: Actor) => {
        if (actor.kind === 'device') this.#signatureKey = signatureKey;
        return this.#admit(actor, arrival, { token, tenantId, publicKey });
      };
      const useTicket = ticket.length === 0 ? null : () => resumption.use(ticket);
      await calls.open(caller, { publicKey, signatureKey, useTicket, admit });
      this.#welcome(requestId);
    } catch (error) {
      this.end(toAppError(error));
    } finally {
      arrival.leave();
    }
  }

  async #admit(actor: Actor, arrival: Arrival, holder: SessionHolder): Promise<void> {
    if (this.#isOver) return;
    this.#release = arrival.register({
      kind: 'websocket',
      actor,
      // A session is about no network: each of its requests is a connection of its own.
      concerns: () => false,
      heardAtMs: () => this.#heardAtMs,
      end: (reason) => this.end(reason),
    });
    this.#actor = actor;
    const { remoteAddress } = this.#socket;
    this.#requests = new SessionRequests(
      {
        ...holder,
        remoteAddress,
        features: this.#session.features,
        ...this.#dependencies.sharesOf(actor.tenantId),
      },
      (type, payload) => this.#send(type, payload),
      this.#dependencies,
    );
    this.#socket.belongsTo({ deviceId: holderOf(actor), tenantId: actor.tenantId });
    this.#recordSeen();
    if (this.#has(RESUMPTION_FEATURE))
      this.#ticket = await SessionTicket.issue(actor.tenantId, holder, this.#dependencies);
  }

  /** The client knows this extension. */
  #has(feature: number): boolean {
    return (this.#session.features & feature) !== 0;
  }

  get #featuresInUse(): number {
    const resumption = this.#ticket === null ? 0 : RESUMPTION_FEATURE;
    const taken = TYPES_FEATURE | TIMES_FEATURE | (this.#dependencies.mayBeClear ? CLEAR_FEATURE : 0);
    const signatures = this.#signatureKey === null ? 0 : SIGNATURES_FEATURE;
    return resumption | signatures | (this.#session.features & taken);
  }

  /** For clients that say when they send: a clock that is wrong doesn't matter to who counts from this. */
  get #serverTime(): { serverTimeMs: number } {
    return { serverTimeMs: this.#has(TIMES_FEATURE) ? this.#dependencies.clock.nowMs() : 0 };
  }

  /** When a device was last here is worth a line in the log when it can't be written, not the session. */
  #recordSeen(): void {
    if (this.#actor?.kind !== 'device') return;
    const { devices, logger } = this.#dependencies;
    devices.recordSeen(this.#actor).catch((error: unknown) => {
      logger.warn({ operation: 'devices.seen', error }, 'not recorded');
    });
  }

  #welcome(sessionId: string): void {
    if (this.#isOver) return;
    this.#leaveOpening(true);
    const { heartbeatIntervalMs } = this.#dependencies;
    const features = this.#featuresInUse;
    const response = {
      sessionId,
      heartbeatIntervalMs,
      features,
      requestsMax: REQUESTS_MAX,
      inputBytesMax: INPUT_BYTES_MAX,
      streamWindowBytes: STREAM_WINDOW_BYTES,
      ticket: this.#ticket?.bytes ?? new Uint8Array(0),
      ...this.#serverTime,
    };
    this.#send(RatatoskrType.CONNECTION_RESPONSE, encodePayload(ConnectionResponse, response));
    if (!this.#isOver && (features & CLEAR_FEATURE) !== 0) this.#session.stopEncrypting();
  }

  #send(type: RatatoskrType, payload: Uint8Array): void {
    if (!this.#isOver) this.#sendBytes(this.#session.send(type, payload));
  }

  /** Whose order can't be sent is told so first, and the session ends when that is dealt with: a message is missing in it. */
  #sendWork(type: RatatoskrType, payload: Uint8Array): boolean {
    if (this.#isOver) return false;
    if (this.#socket.send(this.#session.send(type, payload)) !== 'dropped') return true;
    queueMicrotask(() => this.end(tooSlowReader()));
    return false;
  }

  #sendBytes(bytes: Uint8Array): void {
    if (this.#socket.send(bytes) === 'dropped') this.end(tooSlowReader());
  }

  /** It doesn't count among those who open any more. */
  #leaveOpening(isOpen: boolean): void {
    if (!this.#isOpening) return;
    this.#isOpening = false;
    this.#cancelTimeout();
    this.#place?.leave(isOpen);
  }

  #leave(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#leaveOpening(false);
    this.#session.end();
    this.#requests?.end();
    this.#provider?.end();
    this.#ticket?.extend();
    this.#release();
    this.#recordSeen();
  }
}

const PROVIDER_TYPE_SET: ReadonlySet<RatatoskrType> = new Set(PROVIDER_TYPES);

function isProviderType(type: RatatoskrType): type is ProviderType {
  return PROVIDER_TYPE_SET.has(type);
}

/** Whose connections are counted together: a device's, or those of one credential of an account. */
function holderOf(actor: Actor): string {
  return actor.kind === 'account' ? actor.credentialId : principalIdOf(actor);
}

function notResumable(): AppError {
  return new AppError('unauthenticated', 'session_not_resumable', 'There is no session to resume.');
}

function toRefusal(error: unknown): AppError {
  if (error instanceof PayloadError) return malformed();
  if (!(error instanceof SessionError)) return toAppError(error);
  if (error.code === 'rate_limited') return tooMany();
  const kind = error.code === 'ratatoskr_handshake_failed' ? 'unauthenticated' : 'invalid';
  return new AppError(kind, error.code, error.message);
}

function malformed(): AppError {
  return new AppError('invalid', 'ratatoskr_message_malformed', 'A message can not be read.');
}

function tooSlow(): AppError {
  return new AppError('unauthenticated', 'unauthenticated', 'The session was not opened in time.');
}

function tooMany(): AppError {
  return new AppError(
    'rate_limited',
    'rate_limited',
    'Too many sessions are being opened. Try again later.',
    {
      details: { retryAfterSeconds: 10 },
    },
  );
}

function tooSlowReader(): AppError {
  return new AppError('rate_limited', 'consumer_too_slow', 'The client does not read what it asked for.');
}
