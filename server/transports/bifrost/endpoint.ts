import { FRAME_BYTES_MAX } from '../../../proto/index.ts';
import type { DeviceIdentity } from '../../domains/devices/index.ts';
import { AppError } from '../../kernel/errors.ts';
import type { HttpResponse } from '../../platform/http/types.ts';
import type { Socket, UpgradeRequest, WebSocketEndpoint } from '../../platform/websocket/types.ts';
import { bearerToken } from '../authenticate.ts';
import { errorTable } from '../error-table.ts';
import { BifrostConnection, type ConnectionDependencies } from './connection.ts';
import { BACKPRESSURE_BYTES_MAX, IDLE_TIMEOUT_SECONDS_MAX, IDLE_TIMEOUT_SECONDS_MIN } from './limits.ts';

/** The subprotocol a client offers, and gets back. */
const SUBPROTOCOL = 'bifrost.v1';
/** A browser can't set headers: it offers its token as a second subprotocol, `bearer.<token>`. */
const BEARER_SUBPROTOCOL = 'bearer.';

/** Who is on a socket, or why it ends as soon as it is open. */
type Visitor = DeviceIdentity | AppError;

/**
 * Bifrost over WebSocket, at `/bifrost`. Refuses with `unauthenticated` a token that no device has: as HTTP answer, or by
 * the WebSocket close code where the token was a subprotocol, because a browser shows no HTTP answer to its page.
 */
export function createBifrostEndpoint(
  dependencies: ConnectionDependencies & {
    /** The HTTP answer to a refused upgrade. */
    readonly refuse: (error: AppError, requestId: string) => HttpResponse;
  },
): WebSocketEndpoint<Visitor> {
  const connections = new Map<Socket, BifrostConnection>();
  return {
    path: '/bifrost',
    messageBytesMax: FRAME_BYTES_MAX,
    subprotocol: SUBPROTOCOL,
    // Two missed heartbeats and a half: a device that is silent for longer is taken for offline.
    idleTimeoutSeconds: Math.min(
      Math.max(Math.ceil((dependencies.heartbeatIntervalMs * 2.5) / 1000), IDLE_TIMEOUT_SECONDS_MIN),
      IDLE_TIMEOUT_SECONDS_MAX,
    ),
    backpressureBytesMax: BACKPRESSURE_BYTES_MAX,

    async authenticate(request) {
      const inHeader = bearerToken(request.header('authorization'));
      const token = inHeader ?? offeredToken(request);
      const identity = token === null ? null : await dependencies.devices.authenticate(token);
      if (identity !== null) return { session: identity };
      const error = new AppError('unauthenticated', 'unauthenticated', 'A valid device token is needed.');
      const isBrowser = token !== null && inHeader === null;
      return isBrowser ? { session: error } : { refuse: dependencies.refuse(error, request.requestId) };
    },

    opened(socket, visitor) {
      if (visitor instanceof AppError) {
        socket.close(errorTable[visitor.kind].webSocketCloseCode, visitor.code);
      } else {
        connections.set(socket, new BifrostConnection(socket, visitor, dependencies));
      }
    },

    received(socket, _visitor, message, isBinary) {
      connections.get(socket)?.receive(message, isBinary);
    },

    closed(socket) {
      connections.get(socket)?.closed();
      connections.delete(socket);
    },
  };
}

function offeredToken({ subprotocols }: UpgradeRequest): string | null {
  const offered = subprotocols.find((name) => name.startsWith(BEARER_SUBPROTOCOL));
  return offered?.slice(BEARER_SUBPROTOCOL.length) ?? null;
}
