import type { Clock } from '../../kernel/clock.ts';
import type { Logger } from '../../kernel/logger.ts';
import type { ConnectionBudget } from '../listening/connection-budget.ts';
import type { Tls } from '../tls/certificate.ts';
import { type RegisteredWebSocket, registerWebSocket } from '../websocket/adapter.ts';
import type { WebSocketEndpoint } from '../websocket/types.ts';
import type { HttpAdmission } from './admission.ts';
import { type ExchangeContext, serveRequest } from './exchange.ts';
import { createListener, type Listener, type ListenerAddress } from './listener.ts';
import { createNativeApp, type NativeApp, watchConnections } from './uws.ts';

/** One port, and what is served there. */
export interface ServedPort {
  /** The port. Rejects with `PortUnavailableError` when the address can't be bound. */
  open(): Promise<number>;
  /** Connections that are open stay open. */
  stopAccepting(): void;
  /** Says goodbye to every WebSocket. */
  closeSockets(code: number, reason: string): void;
  /** Cuts what is left. */
  cut(): void;
}

/** An app of the library, and the WebSockets that it keeps. */
interface Served {
  readonly app: NativeApp;
  readonly sockets: readonly RegisteredWebSocket[];
}

/** Serves these WebSockets and the routes of `context` at this address, once it is opened. */
export function createServedPort(
  address: ListenerAddress,
  websockets: readonly WebSocketEndpoint[],
  context: ExchangeContext,
  dependencies: {
    readonly admission: HttpAdmission;
    readonly budget: ConnectionBudget;
    readonly tls: Tls | null;
    readonly clock: Clock;
    readonly logger: Logger;
  },
): ServedPort {
  const { admission, tls } = dependencies;
  const build = () => buildServed(tls, websockets, admission, context);
  /** The newest last: with a new certificate comes a new app, and connections end with that of theirs. */
  const served: Served[] = [];
  let listener: Listener | null = null;
  return {
    async open() {
      const first = build();
      served.push(first);
      listener = createListener(first.app, address, dependencies);
      const port = await listener.open();
      tls?.whenRenewed(() => {
        if (context.phase() !== 'serving') return;
        const next = build();
        served.push(next);
        listener?.serve(next.app);
      });
      return port;
    },
    stopAccepting: () => listener?.close(),
    closeSockets(code, reason) {
      for (const { sockets } of served) {
        for (const socket of sockets) socket.closeAll(code, reason);
      }
    },
    cut() {
      for (const { app } of served) app.close();
    },
  };
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
