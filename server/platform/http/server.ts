import type { Clock } from '../../kernel/clock.ts';
import type { Logger } from '../../kernel/logger.ts';
import { LoopTurns } from '../../kernel/loop-turns.ts';
import { createClientAddresses } from '../listening/client-addresses.ts';
import type { ConnectionBudget } from '../listening/connection-budget.ts';
import { HTTP_PART } from '../listening/limits.ts';
import { createRequestShares } from '../listening/request-shares.ts';
import type { Tls } from '../tls/certificate.ts';
import { type RegisteredWebSocket, registerWebSocket } from '../websocket/adapter.ts';
import type { WebSocketEndpoint } from '../websocket/types.ts';
import { createHttpAdmission, type HttpAdmission } from './admission.ts';
import { BodyBudget } from './body-budget.ts';
import { createBodyTurns } from './body-turns.ts';
import { BrokenConnection } from './broken-connection.ts';
import { createCors } from './cors.ts';
import { type ExchangeContext, serveRequest } from './exchange.ts';
import {
  ANONYMOUS_BODY_BYTES_MAX,
  ARRIVING_BODY_BYTES_MAX,
  CLOSE_GRACE_MS,
  REQUESTS_PER_TURN,
  WAITING_REQUESTS_MAX,
} from './limits.ts';
import { createListener, type Listener } from './listener.ts';
import { createRouter } from './router.ts';
import type { HttpRoute, RespondToError } from './types.ts';
import { createNativeApp, type NativeApp, watchConnections } from './uws.ts';

export interface HttpServerOptions {
  /** An address of this machine: `127.0.0.1`, `0.0.0.0`, `::`. */
  readonly host: string;
  /** 0 takes any free port; `listen` says which. */
  readonly port: number;
  /** How long `close` waits for running requests. Default `CLOSE_GRACE_MS`. */
  readonly closeGraceMs?: number;
  /** Bytes of all bodies that are arriving. Default `ARRIVING_BODY_BYTES_MAX`. */
  readonly arrivingBodyBytesMax?: number;
  /** The same for senders who needn't be known. Default `ANONYMOUS_BODY_BYTES_MAX`. */
  readonly anonymousBodyBytesMax?: number;
  /** Addresses and ranges of the proxies that may say who the client is. Default: nobody. */
  readonly trustedProxies?: readonly string[];
  /** Origins whose pages may read answers. Default: none. */
  readonly corsOrigins?: readonly string[];
}

export interface HttpServerDependencies {
  readonly routes: readonly HttpRoute[];
  readonly websockets: readonly WebSocketEndpoint[];
  readonly respondToError: RespondToError;
  readonly newRequestId: () => string;
  /** What all listeners share. */
  readonly budget: ConnectionBudget;
  /** Null: in clear text. */
  readonly tls: Tls | null;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** One listener for HTTP and WebSockets. */
export interface HttpServer {
  /** Rejects with `PortUnavailableError` when the address can't be bound. */
  listen(): Promise<{ port: number }>;
  /** No new connections; those that are open are served, and each ends with its next answer. */
  stopAccepting(): void;
  /**
   * Ends WebSockets with 1001, refuses new requests with `unavailable`, waits for running ones up to the grace
   * period, then cuts what is left. Includes `stopAccepting`.
   */
  close(): Promise<void>;
}

/** Builds the server; nothing is bound before `listen`. Throws InvariantError for two routes of one method and path. */
export function createHttpServer(
  options: HttpServerOptions,
  dependencies: HttpServerDependencies,
): HttpServer {
  const { closeGraceMs = CLOSE_GRACE_MS } = options;
  const { routes, websockets, tls, logger } = dependencies;
  const shared = createShared(options, dependencies);
  let phase: ReturnType<ExchangeContext['phase']> = 'serving';
  const running = new RunningRequests();
  const context: ExchangeContext = {
    find: createRouter(routes),
    newRequestId: dependencies.newRequestId,
    respondToError: dependencies.respondToError,
    logger,
    phase: () => phase,
    broken: new BrokenConnection(),
    cors: createCors(options.corsOrigins ?? []),
    ...shared,
    began: () => running.began(),
    ended: () => running.ended(),
  };
  const admission = createHttpAdmission({ ...dependencies, clients: shared.clients });
  const build = () => buildServed(tls, websockets, admission, context);
  /** The newest last: with a new certificate comes a new app, and connections end with that of theirs. */
  const served: Served[] = [];
  let listener: Listener | null = null;

  const stopAccepting = () => {
    if (phase === 'serving') phase = 'draining';
    listener?.close();
  };

  return {
    async listen() {
      const first = build();
      served.push(first);
      listener = createListener(first.app, options, dependencies);
      const port = await listener.open();
      tls?.whenRenewed(() => {
        if (phase !== 'serving') return;
        const next = build();
        served.push(next);
        listener?.serve(next.app);
      });
      admission.watch(port);
      return { port };
    },
    stopAccepting,
    async close() {
      stopAccepting();
      phase = 'closed';
      for (const { sockets } of served) {
        for (const socket of sockets) socket.closeAll(1001, 'the server stops');
      }
      if (!(await running.idleWithin(closeGraceMs))) {
        logger.warn({ running: running.count }, 'requests were cut because the server stops');
      }
      admission.stop();
      for (const { app } of served) app.close();
    },
  };
}

/** An app of the library, and the WebSockets that it keeps. */
interface Served {
  readonly app: NativeApp;
  readonly sockets: readonly RegisteredWebSocket[];
}

function buildServed(
  tls: Tls | null,
  websockets: readonly WebSocketEndpoint[],
  admission: HttpAdmission,
  context: ExchangeContext,
): Served {
  const app = createNativeApp(tls);
  const sockets = websockets.map((endpoint) => registerWebSocket(app, endpoint, context));
  watchConnections(app, (opened, native) => {
    if (opened) admission.opened(native);
    else {
      context.broken.ended();
      admission.closed();
    }
  });
  app.any('/*', (native, incoming) => serveRequest(native, incoming, context));
  return { app, sockets };
}

/** What requests share, and who they are told apart by. */
function createShared(
  options: HttpServerOptions,
  { budget, clock }: Pick<HttpServerDependencies, 'budget' | 'clock'>,
): Pick<
  ExchangeContext,
  'bodies' | 'anonymousBodies' | 'bodyTurns' | 'turns' | 'clients' | 'shares' | 'budget'
> {
  return {
    bodies: new BodyBudget(options.arrivingBodyBytesMax ?? ARRIVING_BODY_BYTES_MAX),
    anonymousBodies: new BodyBudget(options.anonymousBodyBytesMax ?? ANONYMOUS_BODY_BYTES_MAX),
    bodyTurns: createBodyTurns({ clock }),
    turns: new LoopTurns({ perTurn: REQUESTS_PER_TURN, waitingMax: WAITING_REQUESTS_MAX }),
    clients: createClientAddresses(options.trustedProxies ?? []),
    shares: createRequestShares(budget.connectionsMax * HTTP_PART, (reason) =>
      budget.refused('http', reason),
    ),
    budget,
  };
}

/** Counts the requests that are served, and tells when there are none. */
class RunningRequests {
  #count = 0;
  #whenIdle: (() => void) | null = null;

  get count(): number {
    return this.#count;
  }

  began(): void {
    this.#count++;
  }

  ended(): void {
    this.#count--;
    if (this.#count === 0) this.#whenIdle?.();
  }

  /** False: some were still running when the time was over. */
  idleWithin(timeoutMs: number): Promise<boolean> {
    if (this.#count === 0) return Promise.resolve(true);
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), timeoutMs);
      this.#whenIdle = () => {
        clearTimeout(timer);
        resolve(true);
      };
    });
  }
}
