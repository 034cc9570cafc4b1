import uws, { type WebSocket } from 'uWebSockets.js';

const MESSAGE_BYTES_MAX = 262_144;
const BACKPRESSURE_BYTES_MAX = 4 * 1024 * 1024;

interface Seat {
  readonly lane: string;
  readonly isSource: boolean;
}

/**
 * A bare uWebSockets.js server: what comes from `/source/<lane>` goes out at `/sink/<lane>`, as it is. Knows no device and
 * signs nothing.
 */
export function createPart() {
  const sinks = new Map<string, WebSocket<Seat>>();
  return {
    listen: (_: null) =>
      new Promise<number>((resolve) => {
        const app = uws.App();
        app.ws<Seat>('/:kind/:lane', {
          maxPayloadLength: MESSAGE_BYTES_MAX,
          maxBackpressure: BACKPRESSURE_BYTES_MAX,
          sendPingsAutomatically: true,
          upgrade: (response, request, context) => {
            const seat = {
              isSource: request.getParameter(0) === 'source',
              lane: request.getParameter(1) ?? '',
            };
            response.upgrade(
              seat,
              request.getHeader('sec-websocket-key'),
              request.getHeader('sec-websocket-protocol'),
              request.getHeader('sec-websocket-extensions'),
              context,
            );
          },
          open: (socket) => {
            const { isSource, lane } = socket.getUserData();
            if (!isSource) sinks.set(lane, socket);
          },
          message: (socket, message) => {
            sinks.get(socket.getUserData().lane)?.send(message, true, false);
          },
          close: (socket) => {
            const { isSource, lane } = socket.getUserData();
            if (!isSource) sinks.delete(lane);
          },
        });
        app.listen('127.0.0.1', 0, (listening) =>
          resolve(listening ? uws.us_socket_local_port(listening) : 0),
        );
      }),
    /** Bytes that V8 has in use, after a collection. */
    usedBytes: async (_: null) => {
      globalThis.gc?.();
      globalThis.gc?.();
      const { heapUsed, external } = process.memoryUsage();
      return heapUsed + external;
    },
  };
}

export type BareWebSocket = ReturnType<typeof createPart>;
