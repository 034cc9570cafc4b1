import type { HttpRequestHead } from '../../platform/http/types.ts';
import type { UpgradeRequest, WebSocketEndpoint } from '../../platform/websocket/types.ts';
import { bearerToken } from '../authenticate.ts';
import type { CookieSessions } from '../pipeline/cookie-sessions.ts';
import { type ConnectionDependencies, LiveConnection } from './connection.ts';
import { BACKPRESSURE_BYTES_MAX, MESSAGE_BYTES_MAX, SILENCE_SECONDS_MAX } from './limits.ts';

/** The subprotocol a client offers, and gets back. */
const SUBPROTOCOL = 'yggdrasil.live.v1';
/** A browser can't set headers: it offers its token as a second subprotocol, where it has one and no cookie. */
const BEARER_SUBPROTOCOL = 'bearer.';

/**
 * Event streams of the API over one WebSocket, at `/api/v1/live`: over HTTP each takes one of the six connections that a browser has for a
 * host, in all its tabs together (docs/live.md).
 */
export function createLiveEndpoint(
  dependencies: ConnectionDependencies & { readonly cookies: CookieSessions },
): WebSocketEndpoint {
  return {
    path: '/api/v1/live',
    messageBytesMax: MESSAGE_BYTES_MAX,
    subprotocol: SUBPROTOCOL,
    idleTimeoutSeconds: SILENCE_SECONDS_MAX,
    backpressureBytesMax: BACKPRESSURE_BYTES_MAX,
    opened: (socket, request) =>
      new LiveConnection(socket, () => tokenOf(request, dependencies.cookies), dependencies),
  };
}

/** Who opened it shows. Refuses with `csrf_refused` a cookie that the page of another site brings: for WebSockets there is no CORS. */
function tokenOf(request: UpgradeRequest, cookies: CookieSessions): string | null {
  const offered = request.subprotocols.find((name) => name.startsWith(BEARER_SUBPROTOCOL));
  const shown = bearerToken(request.header('authorization')) ?? offered?.slice(BEARER_SUBPROTOCOL.length);
  if (shown !== undefined) return shown;
  const asked: Pick<HttpRequestHead, 'method' | 'header'> = {
    method: 'GET',
    header: (name) => request.header(name),
  };
  const token = cookies.tokenOf(asked);
  if (token !== null) cookies.requireOwnPage(asked);
  return token;
}
