import type { WebSocket } from 'uWebSockets.js';
import { AppError, InvariantError } from '../../kernel/errors.ts';
import { type ExchangeContext, errorResponse, Headers, remoteAddressOf } from '../http/exchange.ts';
import { Reply } from '../http/reply.ts';
import type { HttpResponse } from '../http/types.ts';
import type { NativeApp } from '../http/uws.ts';
import type { Socket, UpgradeRequest, WebSocketEndpoint } from './types.ts';

/** One endpoint's open sockets. */
export interface RegisteredWebSocket {
  /** Says goodbye to every socket. */
  closeAll(code: number, reason: string): void;
}

interface Connection {
  readonly session: unknown;
  readonly remoteAddress: string;
  socket: NativeSocket | null;
}

/** The idle times the library accepts, in seconds (multiples of 4 are exact). */
const IDLE_TIMEOUT_SECONDS_MIN = 8;
const IDLE_TIMEOUT_SECONDS_MAX = 960;
/** RFC 6455 section 7.4.1: an unexpected condition. */
const CLOSE_INTERNAL = 1011;

/**
 * Serves WebSockets at `endpoint.path`; other requests there are left to the routes.
 * A slow consumer isn't closed by the library (`closeOnBackpressureLimit`): the endpoint learns of it by `dropped` and
 * closes with the code of its protocol. What an endpoint throws ends that socket with 1011 and nothing else.
 */
export function registerWebSocket(
  app: NativeApp,
  endpoint: WebSocketEndpoint<unknown>,
  context: ExchangeContext,
): RegisteredWebSocket {
  const { idleTimeoutSeconds } = endpoint;
  if (idleTimeoutSeconds < IDLE_TIMEOUT_SECONDS_MIN || idleTimeoutSeconds > IDLE_TIMEOUT_SECONDS_MAX) {
    throw new InvariantError(`an idle timeout of ${idleTimeoutSeconds} s can't be kept`);
  }
  const open = new Set<NativeSocket>();
  const guard = (connection: Connection, work: (socket: NativeSocket) => void) => {
    const { socket } = connection;
    if (!socket) return;
    try {
      work(socket);
    } catch (error) {
      context.logger.error({ path: endpoint.path, error }, 'a WebSocket failed unexpectedly');
      socket.close(CLOSE_INTERNAL, 'internal error');
    }
  };

  /** The socket of the upgrade that runs now; the library gives it in the middle of it. */
  let upgraded: WebSocket<Connection> | null = null;

  /**
   * Tells the endpoint of a new socket, once the upgrade is over. Before, nothing may run that takes memory: the library
   * looks once more into what it has freed, and what it finds there can make it close the socket (so, still, for about one
   * in 10,000; clients connect again). Nor could a socket be ended by then: it would say goodbye but stay connected.
   */
  const begin = (native: WebSocket<Connection>) => {
    const connection = native.getUserData();
    connection.socket = new NativeSocket(native, connection.remoteAddress);
    open.add(connection.socket);
    guard(connection, (socket) => endpoint.opened(socket, connection.session));
    if (context.phase() === 'closed') connection.socket?.close(1001, 'the server stops');
  };

  app.ws<Connection>(endpoint.path, {
    maxPayloadLength: endpoint.messageBytesMax,
    maxBackpressure: endpoint.backpressureBytesMax,
    idleTimeout: idleTimeoutSeconds,
    sendPingsAutomatically: true,
    upgrade(native, incoming, socketContext) {
      const reply = new Reply(native);
      const headers = new Headers(incoming);
      const requestId = context.newRequestId();
      const request: UpgradeRequest = {
        header: (name) => headers.first(name),
        query: new URLSearchParams(incoming.getQuery() ?? ''),
        remoteAddress: remoteAddressOf(native),
        requestId,
        subprotocols: subprotocolsOf(headers),
      };
      context.began();
      void decide(endpoint, request, context)
        .catch((error: unknown) => {
          if (!(error instanceof AppError)) {
            context.logger.error({ requestId, path: endpoint.path, error }, 'an upgrade failed');
          }
          return { refuse: errorResponse(error, request, context) };
        })
        .then(async (decision) => {
          if ('refuse' in decision) {
            await reply.send(decision.refuse, { requestId, closeConnection: true });
            return;
          }
          const connection: Connection = {
            session: decision.session,
            remoteAddress: request.remoteAddress,
            socket: null,
          };
          reply.upgrade((answer) =>
            answer.upgrade(
              connection,
              headers.first('sec-websocket-key') ?? '',
              endpoint.subprotocol,
              headers.first('sec-websocket-extensions') ?? '',
              socketContext,
            ),
          );
          const native = upgraded;
          upgraded = null;
          if (native) begin(native);
        })
        .finally(() => context.ended());
    },
    // Nothing more here: see `begin`.
    open(native) {
      upgraded = native;
    },
    message(native, message, isBinary) {
      const connection = native.getUserData();
      guard(connection, (socket) =>
        endpoint.received(socket, connection.session, new Uint8Array(message), isBinary),
      );
    },
    close(native, code) {
      const connection = native.getUserData();
      const { socket } = connection;
      if (!socket) return;
      socket.forget();
      open.delete(socket);
      guard(connection, () => endpoint.closed(socket, connection.session, code));
      connection.socket = null;
    },
  });

  return {
    closeAll(code, reason) {
      for (const socket of [...open]) socket.close(code, reason);
    },
  };
}

/** Who may come in: the protocol's own conditions first, then the endpoint's. */
async function decide(
  endpoint: WebSocketEndpoint<unknown>,
  request: UpgradeRequest,
  context: ExchangeContext,
): Promise<{ session: unknown } | { refuse: HttpResponse }> {
  if (context.phase() !== 'serving') {
    throw new AppError('unavailable', 'unavailable', 'The server is shutting down.');
  }
  // RFC 6455 section 4.2.1
  if (request.header('sec-websocket-version') !== '13') {
    throw new AppError('invalid', 'invalid_input', 'Sec-WebSocket-Version must be 13.');
  }
  if (!request.subprotocols.includes(endpoint.subprotocol)) {
    throw new AppError('invalid', 'invalid_input', `Offer the subprotocol ${endpoint.subprotocol}.`);
  }
  return await endpoint.authenticate(request);
}

/** RFC 6455 section 11.3.4: one or more headers, each a list. */
function subprotocolsOf(headers: Headers): readonly string[] {
  return headers
    .all('sec-websocket-protocol')
    .flatMap((value) => value.split(','))
    .map((value) => value.trim())
    .filter((value) => value !== '');
}

/** Keeps the library's socket from being touched after it closed, which would throw. */
class NativeSocket implements Socket {
  #native: WebSocket<Connection> | null;
  readonly remoteAddress: string;

  constructor(native: WebSocket<Connection>, remoteAddress: string) {
    this.#native = native;
    this.remoteAddress = remoteAddress;
  }

  send(message: Uint8Array): 'sent' | 'buffered' | 'dropped' {
    if (!this.#native) return 'dropped';
    const result = this.#native.send(message, true, false);
    if (result === 1) return 'sent';
    return result === 0 ? 'buffered' : 'dropped';
  }

  close(code: number, reason: string): void {
    const native = this.#native;
    this.#native = null;
    native?.end(code, reason);
  }

  /** The library's socket is gone. */
  forget(): void {
    this.#native = null;
  }
}
