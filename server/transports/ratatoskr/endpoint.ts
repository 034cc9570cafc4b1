import { MESSAGE_BYTES_MAX, RATATOSKR_SUBPROTOCOL } from '../../../proto/ratatoskr/index.ts';
import type { OwnPort, WebSocketEndpoint } from '../../platform/websocket/types.ts';
import { type ConnectionDependencies, RatatoskrConnection } from './connection.ts';
import { BACKPRESSURE_BYTES_MAX } from './limits.ts';

/** Where sessions are opened. */
export const RATATOSKR_PATH = '/ratatoskr';

/** Ratatoskr over WebSocket, at `port` alone or (null) beside HTTP. It serves the operations that HTTP serves, each by its name. */
export function createRatatoskrEndpoint<Key>(
  { port }: { readonly port: number | null },
  dependencies: ConnectionDependencies<Key>,
): WebSocketEndpoint {
  const ownPort: OwnPort | null = port === null ? null : { port, protocol: 'Ratatoskr' };
  return {
    path: RATATOSKR_PATH,
    ...(ownPort === null ? {} : { ownPort }),
    messageBytesMax: MESSAGE_BYTES_MAX,
    subprotocol: RATATOSKR_SUBPROTOCOL,
    // Two missed heartbeats and a half: a client that is silent for longer is gone.
    idleTimeoutSeconds: (dependencies.heartbeatIntervalMs * 2.5) / 1000,
    backpressureBytesMax: BACKPRESSURE_BYTES_MAX,
    opened: (socket) => new RatatoskrConnection(socket, dependencies),
  };
}
