import net from 'node:net';
import type { Logger } from '../../kernel/logger.ts';
import { PortUnavailableError } from '../listening/port-unavailable.ts';
import { type RegisteredWebSocket, registerWebSocket } from '../websocket/adapter.ts';
import type { WebSocketEndpoint } from '../websocket/types.ts';
import { BrokenConnection } from './broken-connection.ts';
import { type ExchangeContext, serveRequest } from './exchange.ts';
import { CLOSE_GRACE_MS } from './limits.ts';
import { createRouter } from './router.ts';
import type { HttpRoute, RespondToError } from './types.ts';
import {
  closeListenSocket,
  createNativeApp,
  type ListenSocket,
  listenExclusively,
  localPort,
  watchConnections,
} from './uws.ts';

export interface HttpServerOptions {
  /** An address of this machine: `127.0.0.1`, `0.0.0.0`, `::`. */
  readonly host: string;
  /** 0 takes any free port; `listen` says which. */
  readonly port: number;
  /** How long `close` waits for running requests. Default `CLOSE_GRACE_MS`. */
  readonly closeGraceMs?: number;
}

export interface HttpServerDependencies {
  readonly routes: readonly HttpRoute[];
  readonly websockets: readonly WebSocketEndpoint[];
  readonly respondToError: RespondToError;
  readonly newRequestId: () => string;
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
  const { host, port, closeGraceMs = CLOSE_GRACE_MS } = options;
  const { routes, websockets, logger } = dependencies;
  const app = createNativeApp();
  let phase: ReturnType<ExchangeContext['phase']> = 'serving';
  let listening: ListenSocket | null = null;
  let running = 0;
  let whenIdle: (() => void) | null = null;
  const context: ExchangeContext = {
    find: createRouter(routes),
    newRequestId: dependencies.newRequestId,
    respondToError: dependencies.respondToError,
    logger,
    phase: () => phase,
    broken: new BrokenConnection(),
    began: () => {
      running++;
    },
    ended: () => {
      running--;
      if (running === 0) whenIdle?.();
    },
  };
  const sockets: RegisteredWebSocket[] = websockets.map((endpoint) =>
    registerWebSocket(app, endpoint, context),
  );
  watchConnections(app, (opened) => {
    if (!opened) context.broken.ended();
  });
  app.any('/*', (native, incoming) => serveRequest(native, incoming, context));

  const stopAccepting = () => {
    if (phase === 'serving') phase = 'draining';
    if (listening) closeListenSocket(listening);
    listening = null;
  };

  return {
    async listen() {
      listening = listenExclusively(app, host, port);
      if (!listening) throw new PortUnavailableError('HTTP', host, port, await bindFailure(host, port));
      return { port: localPort(listening) };
    },
    stopAccepting,
    async close() {
      stopAccepting();
      phase = 'closed';
      for (const socket of sockets) socket.closeAll(1001, 'the server stops');
      if (running > 0 && !(await idleWithin(closeGraceMs))) {
        logger.warn({ running }, 'requests were cut because the server stops');
      }
      app.close();
    },
  };

  function idleWithin(timeoutMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), timeoutMs);
      whenIdle = () => {
        clearTimeout(timer);
        resolve(true);
      };
    });
  }
}

/** Why an address couldn't be bound: asks the operating system once more, because the library doesn't say. */
function bindFailure(host: string, port: number): Promise<string> {
  return new Promise((resolve) => {
    const probe = net.createServer();
    probe.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'unknown'));
    probe.listen({ host, port, exclusive: true }, () => probe.close(() => resolve('unknown')));
  });
}
