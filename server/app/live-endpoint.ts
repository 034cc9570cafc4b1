import type { RespondToError } from '../platform/http/types.ts';
import type { WebSocketEndpoint } from '../platform/websocket/types.ts';
import { createLiveEndpoint } from '../transports/live/endpoint.ts';
import type { CookieSessions } from '../transports/pipeline/cookie-sessions.ts';
import type { OperationRoute } from '../transports/pipeline/http.ts';
import type { Identity } from './identity.ts';
import type { Platform } from './platform.ts';

/** Where event streams are followed over one WebSocket: those of all operations whose answer goes on as things happen. */
export function buildLiveEndpoint(
  { platform, identity }: { readonly platform: Platform; readonly identity: Identity },
  served: {
    readonly routes: readonly OperationRoute[];
    readonly cookies: CookieSessions;
    readonly respondToError: RespondToError;
  },
): WebSocketEndpoint {
  const { clock, logger, random } = platform;
  const followed = served.routes.filter(({ operation }) => operation.response === 'text/event-stream');
  return createLiveEndpoint({
    operations: new Map(followed.map((route) => [route.operation.operation, route])),
    identify: identity.identify,
    cookies: served.cookies,
    respondToError: served.respondToError,
    newRequestId: () => random.uuid(),
    clock,
    logger,
  });
}
