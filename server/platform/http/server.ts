import type { Clock } from '../../kernel/clock.ts';
import type { Logger } from '../../kernel/logger.ts';
import { LoopTurns } from '../../kernel/loop-turns.ts';
import { createClientAddresses } from '../listening/client-addresses.ts';
import type { ConnectionBudget } from '../listening/connection-budget.ts';
import { HTTP_PART } from '../listening/limits.ts';
import { createRequestShares } from '../listening/request-shares.ts';
import type { Tls } from '../tls/certificate.ts';
import type { WebSocketEndpoint } from '../websocket/types.ts';
import { createHttpAdmission } from './admission.ts';
import { BodyBudget } from './body-budget.ts';
import { createBodyTurns } from './body-turns.ts';
import { BrokenConnection } from './broken-connection.ts';
import { createCors } from './cors.ts';
import type { ExchangeContext } from './exchange.ts';
import {
  ANONYMOUS_BODY_BYTES_MAX,
  ARRIVING_BODY_BYTES_MAX,
  CLOSE_GRACE_MS,
  REQUESTS_PER_TURN,
  WAITING_REQUESTS_MAX,
} from './limits.ts';
import { createRouter } from './router.ts';
import { createServedPort, type ServedPort } from './served-port.ts';
import type { HttpRoute, RespondToError } from './types.ts';

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

/** A listener for HTTP and WebSockets, and one for each WebSocket endpoint with a port of its own. */
export interface HttpServer {
  /** The port of HTTP, and those of endpoints by their path. Rejects with `PortUnavailableError` when an address can't be bound. */
  listen(): Promise<{ port: number; ownPorts: ReadonlyMap<string, number> }>;
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
  const { routes, websockets, logger } = dependencies;
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
  const { host, port } = options;
  const main = createServedPort(
    { host, port, protocol: 'HTTP' },
    websockets.filter(({ ownPort }) => ownPort === undefined),
    context,
    { ...dependencies, admission },
  );
  // Nothing else is served at the port of an endpoint.
  const alone = { ...context, find: createRouter([]) };
  const own = new Map<string, ServedPort>();
  for (const endpoint of websockets) {
    if (endpoint.ownPort === undefined) continue;
    const served = createServedPort({ host, ...endpoint.ownPort }, [endpoint], alone, {
      ...dependencies,
      admission,
    });
    own.set(endpoint.path, served);
  }
  const ports = [main, ...own.values()];

  const stopAccepting = () => {
    if (phase === 'serving') phase = 'draining';
    for (const served of ports) served.stopAccepting();
  };

  return {
    async listen() {
      const port = await main.open();
      const ownPorts = new Map<string, number>();
      for (const [path, served] of own) ownPorts.set(path, await served.open());
      admission.watch([port, ...ownPorts.values()]);
      return { port, ownPorts };
    },
    stopAccepting,
    async close() {
      stopAccepting();
      phase = 'closed';
      for (const served of ports) served.closeSockets(1001, 'the server stops');
      if (!(await running.idleWithin(closeGraceMs))) {
        logger.warn({ running: running.count }, 'requests were cut because the server stops');
      }
      admission.stop();
      for (const served of ports) served.cut();
    },
  };
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
