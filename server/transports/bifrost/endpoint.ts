import { FRAME_BYTES_MAX } from '../../../proto/index.ts';
import type { TenantId } from '../../kernel/ids.ts';
import { LoopTurns } from '../../kernel/loop-turns.ts';
import type { UpgradeRequest, WebSocketEndpoint } from '../../platform/websocket/types.ts';
import { bearerToken } from '../authenticate.ts';
import { BifrostConnection, type ConnectionDependencies } from './connection.ts';
import { BACKPRESSURE_BYTES_MAX, FRAMES_PER_TURN, WAITING_CONNECTIONS_MAX } from './limits.ts';

/** The subprotocol a client offers, and gets back. */
const SUBPROTOCOL = 'bifrost.v1';
/** A browser can't set headers: it offers its token as a second subprotocol, `bearer.<token>`. */
const BEARER_SUBPROTOCOL = 'bearer.';

/** Bifrost over WebSocket, at `/bifrost`. Closes with 4401 `unauthenticated` where no device has the token. */
export function createBifrostEndpoint(
  dependencies: Omit<ConnectionDependencies, 'turns'>,
): WebSocketEndpoint {
  const turns = new LoopTurns<TenantId>({ perTurn: FRAMES_PER_TURN, waitingMax: WAITING_CONNECTIONS_MAX });
  const shared = { ...dependencies, turns };
  return {
    path: '/bifrost',
    messageBytesMax: FRAME_BYTES_MAX,
    subprotocol: SUBPROTOCOL,
    // Two missed heartbeats and a half: a device that is silent for longer is taken for offline.
    idleTimeoutSeconds: (dependencies.heartbeatIntervalMs * 2.5) / 1000,
    backpressureBytesMax: BACKPRESSURE_BYTES_MAX,
    opened: (socket, request) => new BifrostConnection(socket, tokenOf(request), shared),
  };
}

function tokenOf(request: UpgradeRequest): string | null {
  const offered = request.subprotocols.find((name) => name.startsWith(BEARER_SUBPROTOCOL));
  return bearerToken(request.header('authorization')) ?? offered?.slice(BEARER_SUBPROTOCOL.length) ?? null;
}
