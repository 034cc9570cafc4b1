import type { FrameView } from '../../proto/index.ts';
import { ReconnectPlan } from './backoff.ts';
import { BifrostError } from './errors.ts';
import type { FrameChannel, OutgoingFrame } from './frame-channel.ts';
import { SUBPROTOCOL } from './limits.ts';
import type { BifrostSocket, Clock, Random, SocketOpener } from './ports.ts';
import { Session, type SessionEnd, type SessionHello, type SessionStart } from './session.ts';
import type { BifrostClientEvents, BifrostClientState } from './types.ts';

/** Ends after which another try can't help: somebody has to do something first. */
const FINAL_CLOSE_CODES: Readonly<Record<number, BifrostError['code']>> = {
  4401: 'unauthenticated',
  4409: 'session_replaced',
};
const FINAL_REFUSALS: ReadonlySet<string> = new Set([
  'unauthenticated',
  'forbidden',
  'frame_signature_wrong',
  'frame_source_wrong',
  'network_not_found',
  'frame_version_unsupported',
]);

/** What a connection asks and tells its client. */
export interface ConnectionHandlers {
  /** What HELLO says, asked anew for every session. */
  hello(): SessionHello;
  opened(start: SessionStart): void;
  received(frame: FrameView): void;
  dropped(detail: BifrostClientEvents['dropped']): void;
  /** A session ended; another follows. */
  interrupted(end: BifrostClientEvents['close']): void;
  /** Nothing follows. */
  closed(error: BifrostError, end: BifrostClientEvents['close']): void;
}

/** One session after the other, until it is closed or refused for good. */
export class Connection {
  readonly #url: string;
  readonly #channel: FrameChannel;
  readonly #openSocket: SocketOpener;
  readonly #clock: Clock;
  readonly #handlers: ConnectionHandlers;
  readonly #reconnectPlan: ReconnectPlan;
  readonly #waiting: { resolve: (start: SessionStart) => void; reject: (error: BifrostError) => void }[] = [];
  #state: BifrostClientState = 'idle';
  #session: Session | null = null;
  #start: SessionStart | null = null;
  #cancelReconnect: () => void = () => {};

  constructor(
    options: { url: string },
    dependencies: {
      channel: FrameChannel;
      openSocket: SocketOpener;
      clock: Clock;
      random: Random;
      handlers: ConnectionHandlers;
    },
  ) {
    this.#url = options.url;
    this.#channel = dependencies.channel;
    this.#openSocket = dependencies.openSocket;
    this.#clock = dependencies.clock;
    this.#handlers = dependencies.handlers;
    this.#reconnectPlan = new ReconnectPlan(dependencies.clock, dependencies.random);
  }

  get state(): BifrostClientState {
    return this.#state;
  }

  /** What the server said at the start of the last session. */
  get start(): SessionStart | null {
    return this.#start;
  }

  /** Begins, unless it has begun. Resolves with the next start of a session; rejects when it is closed. */
  async connect(signal: AbortSignal | undefined): Promise<SessionStart> {
    if (this.#state === 'closed') throw new BifrostError('client_closed', 'The client is closed.');
    if (this.#state === 'open' && this.#start !== null) return this.#start;
    const abort = () => this.close(new BifrostError('aborted', 'Connecting was given up by its caller.'));
    const started = new Promise<SessionStart>((resolve, reject) => this.#waiting.push({ resolve, reject }));
    signal?.addEventListener('abort', abort, { once: true });
    if (signal?.aborted) abort();
    else if (this.#state === 'idle') this.#openSession();
    try {
      return await started;
    } finally {
      signal?.removeEventListener('abort', abort);
    }
  }

  /** Sends in the running session. False: not sent. */
  send(frame: OutgoingFrame, id: string): boolean {
    return this.#session?.send(frame, id) ?? false;
  }

  /** Tells the server that everything up to `offset` was handled. */
  acknowledge(offset: number): void {
    this.#session?.acknowledge(offset);
  }

  /** The end, for the reason given. */
  close(error: BifrostError, end: SessionEnd = { code: 1000, reason: error.message, refusal: null }): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#cancelReconnect();
    this.#session?.close();
    this.#session = null;
    for (const waiting of this.#waiting.splice(0)) waiting.reject(error);
    const refusal = error.code === 'client_closed' ? null : error;
    this.#handlers.closed(error, { ...end, refusal, retryInMs: null });
  }

  #openSession(): void {
    this.#state = 'connecting';
    const handlers = this.#handlers;
    let socket: BifrostSocket;
    try {
      socket = this.#openSocket(this.#url, SUBPROTOCOL, this.#channel.token);
    } catch (cause) {
      this.close(new BifrostError('invalid_input', `There is no way to connect to "${this.#url}".`, cause));
      return;
    }
    this.#session = new Session(
      { hello: handlers.hello() },
      {
        channel: this.#channel,
        socket,
        clock: this.#clock,
        handlers: {
          opened: (start) => this.#sessionOpened(start),
          received: (frame) => handlers.received(frame),
          dropped: (reason) => handlers.dropped({ reason }),
          ended: (end) => this.#sessionEnded(end),
        },
      },
    );
  }

  #sessionOpened(start: SessionStart): void {
    this.#reconnectPlan.opened();
    this.#state = 'open';
    this.#start = start;
    this.#handlers.opened(start);
    for (const waiting of this.#waiting.splice(0)) waiting.resolve(start);
  }

  #sessionEnded(end: SessionEnd): void {
    if (this.#state === 'closed') return;
    this.#session = null;
    const final = finalError(end);
    if (final !== null) {
      this.close(final, end);
      return;
    }
    const retryInMs = this.#reconnectPlan.nextDelayMs();
    this.#state = 'waiting';
    this.#cancelReconnect = this.#clock.after(retryInMs, () => this.#openSession());
    this.#handlers.interrupted({ ...end, retryInMs });
  }
}

function finalError(end: SessionEnd): BifrostError | null {
  if (end.refusal !== null && FINAL_REFUSALS.has(end.refusal.code)) return end.refusal;
  // The server names the code in the closing handshake, too: with a wrong signing key its ERROR frame can't be verified.
  const code = FINAL_REFUSALS.has(end.reason)
    ? (end.reason as BifrostError['code'])
    : FINAL_CLOSE_CODES[end.code];
  return code === undefined
    ? null
    : new BifrostError(code, `The server ended the connection: ${end.reason || code}`);
}
