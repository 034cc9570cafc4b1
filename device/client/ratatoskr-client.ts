import type { DeviceSigning, ProviderType, SessionDependencies } from '../../proto/ratatoskr/index.ts';
import { ReconnectPlan } from './backoff.ts';
import { BifrostError } from './errors.ts';
import { OUTBOX_FRAMES_MAX, SESSION_REQUEST_TIMEOUT_MS } from './limits.ts';
import { Listeners } from './listeners.ts';
import type { Clock, Random } from './ports.ts';
import { readText, type SessionAnswer } from './session-answer.ts';
import {
  type SentRequest,
  type SessionEnding,
  SessionSocket,
  type SessionSocketOpener,
  type SessionTarget,
  type WorkMessage,
} from './session-socket.ts';

const encoder = new TextEncoder();

/** What an operation takes: each part as its description over HTTP says. */
export interface OperationInput {
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string | number | boolean>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

/** How a request is made. */
export interface RequestOptions {
  /** The tenant to act in. Absent: the client's. */
  readonly tenantId?: string;
  /**
   * The operation may be carried out twice without harm: it is sent again when its session ends before the answer. An input with an
   * `Idempotency-Key` says so by itself.
   */
  readonly isIdempotent?: boolean;
  /** From the call to the beginning of the answer. */
  readonly timeoutMs?: number;
}

/** A refusal of the server: what HTTP would answer with this status. */
export class RatatoskrError extends BifrostError {
  readonly status: number;
  readonly requestId: string;
  readonly retryAfterSeconds: number;
  /** The answer's body, as its operation describes its errors. */
  readonly body: unknown;

  constructor(
    code: BifrostError['code'],
    message: string,
    { status, requestId, retryAfterSeconds }: SessionAnswer,
    body: unknown,
  ) {
    super(code, message);
    this.name = 'RatatoskrError';
    this.status = status;
    this.requestId = requestId;
    this.retryAfterSeconds = retryAfterSeconds;
    this.body = body;
  }
}

/** What a client can be listened to for. */
export type RatatoskrClientEvents = {
  /** A session is open; also after every reconnect. */
  open: null;
  /** A session, or a try to open one, ended. `retryInMs` null: for good, and `refusal` says why if we did not ask. */
  close: {
    readonly reason: string;
    readonly retryInMs: number | null;
    readonly refusal: BifrostError | null;
  };
  /** Something for a provider. */
  work: WorkMessage;
  /** The server refuses what a provider sent. */
  refused: { readonly error: RatatoskrError };
};

/** Refusals of a session that is being opened after which another try can help; after all others it can't. */
const PASSING: ReadonlySet<string> = new Set([
  'rate_limited',
  'unavailable',
  'internal',
  // The token opens the next one.
  ...['session_not_resumable', 'session_resumed_twice'],
]);
/** What an open session ends with for good. */
const FINAL: ReadonlySet<string> = new Set(['unauthenticated']);

/** A request that has no answer yet. */
interface Waiting {
  readonly request: SentRequest;
  readonly isIdempotent: boolean;
  /** The answer, or why there is none; the first counts. */
  settle(outcome: SessionAnswer | Error): void;
  isOver: boolean;
}

/** What a client is made of. */
export interface RatatoskrClientDependencies<Key> extends SessionDependencies<Key> {
  readonly openSocket: SessionSocketOpener;
  readonly signing: DeviceSigning;
  readonly clock: Clock;
  readonly random: Random;
}

/**
 * Asks for operations over Ratatoskr: one session after the other, until it is closed or refused for good. What was asked and not
 * answered when a session ends is asked again where that does no harm, else it is refused with `session_lost`.
 */
export class RatatoskrClient<Key = unknown> {
  readonly #dependencies: RatatoskrClientDependencies<Key>;
  readonly #plan: ReconnectPlan;
  #target: SessionTarget;
  #socket: SessionSocket<Key> | null = null;
  #requestsMax = 0;
  #state: 'connecting' | 'open' | 'waiting' | 'closed' = 'connecting';
  #failure: BifrostError | null = null;
  #cancelReconnect: () => void = () => {};
  readonly #waiting: Waiting[] = [];
  readonly #listeners = new Listeners<RatatoskrClientEvents>();
  readonly #opening: { resolve: () => void; reject: (error: Error) => void }[] = [];

  constructor(target: SessionTarget, dependencies: RatatoskrClientDependencies<Key>) {
    this.#target = target;
    this.#dependencies = dependencies;
    this.#plan = new ReconnectPlan(dependencies.clock, dependencies.random);
    this.#connect();
  }

  get state(): 'connecting' | 'open' | 'waiting' | 'closed' {
    return this.#state;
  }

  /** Adds a listener; the returned function takes it away again. */
  on<Name extends keyof RatatoskrClientEvents>(
    name: Name,
    listener: (detail: RatatoskrClientEvents[Name]) => unknown,
  ): () => void {
    return this.#listeners.on(name, listener);
  }

  /** The key that the server has shown: to be kept, so that the next client knows it. Null before a session is open. */
  get serverKey(): Uint8Array | null {
    return this.#target.serverKey;
  }

  /** Resolves once a session is open; rejects when the client is refused for good, or closed. */
  ready(): Promise<void> {
    if (this.#state === 'open') return Promise.resolve();
    if (this.#failure !== null) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => this.#opening.push({ resolve, reject }));
  }

  /**
   * Asks for an operation; its answer, whatever its status. Refuses with `session_lost`, `timed_out`, `outbox_full` and
   * `client_closed`, and with what the server refuses the client with for good.
   */
  open(operation: string, input: OperationInput = {}, options: RequestOptions = {}): Promise<SessionAnswer> {
    if (this.#failure !== null) return Promise.reject(this.#failure);
    if (this.#waiting.length >= OUTBOX_FRAMES_MAX) {
      return Promise.reject(new BifrostError('outbox_full', 'Too many requests wait for a session.'));
    }
    const request = {
      operation,
      input: encoder.encode(JSON.stringify(input)),
      tenantId: options.tenantId ?? '',
    };
    const hasKey = Object.keys(input.headers ?? {}).some((name) => name.toLowerCase() === 'idempotency-key');
    const isIdempotent = options.isIdempotent ?? hasKey;
    const { timeoutMs = SESSION_REQUEST_TIMEOUT_MS } = options;
    return new Promise((resolve, reject) => {
      const waiting: Waiting = {
        request,
        isIdempotent,
        isOver: false,
        settle(outcome) {
          if (waiting.isOver) return;
          waiting.isOver = true;
          cancelTimeout();
          if (outcome instanceof Error) reject(outcome);
          else resolve(outcome);
        },
      };
      const timedOut = () => waiting.settle(new BifrostError('timed_out', 'No answer came in time.'));
      const cancelTimeout = this.#dependencies.clock.after(timeoutMs, timedOut);
      this.#waiting.push(waiting);
      this.#pump();
    });
  }

  /** The same; gives the value of its JSON. Throws RatatoskrError for a refusal. */
  async request(
    operation: string,
    input: OperationInput = {},
    options: RequestOptions = {},
  ): Promise<unknown> {
    const answer = await this.open(operation, input, options);
    if (answer.status >= 400) throw await refusalIn(answer);
    return jsonOf(answer);
  }

  /**
   * Says what this device serves as a provider (`ProviderRegistration`), in the session that is open. Resolves with the name under which
   * the audit has it, with what the device signed; empty where it is not signed. Rejects with RatatoskrError for a refusal, and with
   * `session_lost` and `timed_out`.
   */
  async register(payload: Uint8Array): Promise<string> {
    const socket = this.#socket;
    if (socket === null || this.#state !== 'open') throw noSession();
    const { clock } = this.#dependencies;
    const answer = await new Promise<SessionAnswer>((resolve, reject) => {
      const timedOut = () => reject(new BifrostError('timed_out', 'No answer came in time.'));
      const cancelTimeout = clock.after(SESSION_REQUEST_TIMEOUT_MS, timedOut);
      socket.register(payload).then(resolve, reject).finally(cancelTimeout);
    });
    if (answer.status >= 400) throw await refusalIn(answer);
    return answer.requestId;
  }

  /** Sends a message of a provider. False: no session is open, or too much waits to be sent. */
  send(type: ProviderType, payload: Uint8Array): boolean {
    return this.#socket?.send(type, payload) ?? false;
  }

  /** The end: what was not answered is refused with `client_closed`. */
  close(): void {
    this.#fail(new BifrostError('client_closed', 'The client is closed.'));
  }

  #connect(): void {
    this.#state = 'connecting';
    const { openSocket, clock } = this.#dependencies;
    const handlers = {
      opened: (requestsMax: number, serverKey: Uint8Array, ticket: Uint8Array | null) =>
        this.#opened(requestsMax, serverKey, ticket),
      freed: () => this.#pump(),
      work: (message: WorkMessage) => this.#listeners.emit('work', message),
      refused: async (answer: SessionAnswer) =>
        this.#listeners.emit('refused', { error: await refusalIn(answer) }),
      ended: (end: SessionEnding) => this.#ended(end),
    };
    try {
      this.#socket = new SessionSocket(this.#target, { ...this.#dependencies, openSocket, clock, handlers });
    } catch (cause) {
      this.#fail(
        new BifrostError('invalid_input', `There is no way to connect to "${this.#target.url}".`, cause),
      );
    }
  }

  #opened(requestsMax: number, serverKey: Uint8Array, ticket: Uint8Array | null): void {
    this.#plan.opened();
    this.#state = 'open';
    this.#requestsMax = requestsMax;
    // From now on it is known: another server in its place is refused.
    this.#target = { ...this.#target, serverKey, ticket };
    for (const { resolve } of this.#opening.splice(0)) resolve();
    this.#listeners.emit('open', null);
    this.#pump();
  }

  #pump(): void {
    const socket = this.#socket;
    while (this.#state === 'open' && socket !== null && socket.running < this.#requestsMax) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      if (!next.isOver) void this.#send(socket, next);
    }
  }

  async #send(socket: SessionSocket<Key>, waiting: Waiting): Promise<void> {
    try {
      const answer = await socket.ask(waiting.request);
      if (waiting.isOver) answer.body.cancel();
      else waiting.settle(answer);
    } catch (error) {
      if (waiting.isIdempotent && this.#state !== 'closed') this.#waiting.unshift(waiting);
      else waiting.settle(error instanceof Error ? error : new Error(String(error)));
      this.#pump();
    }
  }

  #ended({ code, message, retryAfterMs }: SessionEnding): void {
    this.#socket = null;
    if (this.#state === 'closed') return;
    const isFinal =
      this.#state === 'connecting' ? !PASSING.has(code ?? 'unavailable') : FINAL.has(code ?? '');
    if (isFinal && code !== null) {
      this.#fail(new BifrostError(code, message));
      return;
    }
    // A ticket is good for one try.
    if (this.#state === 'connecting') this.#target = { ...this.#target, ticket: null };
    this.#state = 'waiting';
    const delayMs = Math.max(this.#plan.nextDelayMs(), retryAfterMs);
    this.#cancelReconnect = this.#dependencies.clock.after(delayMs, () => this.#connect());
    this.#listeners.emit('close', { reason: message, retryInMs: delayMs, refusal: null });
  }

  /** Nothing follows: everybody who waits learns why. */
  #fail(error: BifrostError): void {
    if (this.#failure !== null) return;
    this.#failure = error;
    this.#state = 'closed';
    this.#cancelReconnect();
    this.#socket?.close();
    this.#socket = null;
    for (const waiting of this.#waiting.splice(0)) waiting.settle(error);
    for (const { reject } of this.#opening.splice(0)) reject(error);
    const refusal = error.code === 'client_closed' ? null : error;
    this.#listeners.emit('close', { reason: error.message, retryInMs: null, refusal });
  }
}

const isJson = ({ contentType }: SessionAnswer): boolean => contentType.startsWith('application/json');

/** The value of an answer's JSON; its text where it is none. */
async function jsonOf(answer: SessionAnswer): Promise<unknown> {
  const text = await readText(answer);
  return isJson(answer) && text !== '' ? JSON.parse(text) : text;
}

async function refusalIn(answer: SessionAnswer): Promise<RatatoskrError> {
  const value = await jsonOf(answer);
  const { code, message } = refusalOf(value);
  return new RatatoskrError(code, message, answer, value);
}

function noSession(): BifrostError {
  return new BifrostError('session_lost', 'No session is open.');
}

/** The code and words of a refusal, in the form of REST, of OpenAI or of Anthropic. */
function refusalOf(body: unknown): { code: BifrostError['code']; message: string } {
  const error: unknown = typeof body === 'object' && body !== null && 'error' in body ? body.error : null;
  const { code, message } = (typeof error === 'object' && error !== null ? error : {}) as Record<
    string,
    unknown
  >;
  return {
    code: typeof code === 'string' ? (code as BifrostError['code']) : 'internal',
    message: typeof message === 'string' ? message : 'The server refused the request.',
  };
}
