import type { WebSocket, WebSocketBehavior } from 'uWebSockets.js';
import { AppError } from '../../kernel/errors.ts';
import { type ExchangeContext, refuseHead, remoteAddressOf } from '../http/exchange.ts';
import { Headers } from '../http/headers.ts';
import { findHeadFault } from '../http/request-head.ts';
import type { NativeApp } from '../http/uws.ts';
import type { ConnectionBudget, ConnectionOwner, ConnectionPlace } from '../listening/connection-budget.ts';
import type { Socket, SocketHandler, UpgradeRequest, WebSocketEndpoint } from './types.ts';

/** One endpoint's open sockets. */
export interface RegisteredWebSocket {
  /** Says goodbye to every socket. */
  closeAll(code: number, reason: string): void;
}

/** What the library keeps beside its socket. `socket` is null before it opened and after it closed. */
interface Connection {
  /** Null once the endpoint has seen it. */
  request: UpgradeRequest | null;
  readonly remoteAddress: string;
  readonly peerAddress: string;
  socket: NativeSocket | null;
  handler: SocketHandler | null;
}

/** The idle times the library accepts, in seconds (multiples of 4 are exact). */
const IDLE_TIMEOUT_SECONDS_MIN = 8;
const IDLE_TIMEOUT_SECONDS_MAX = 960;
/** RFC 6455 section 7.4.1: an unexpected condition. */
const CLOSE_INTERNAL = 1011;
/** RFC 6455 section 5.2: the longest head of a message from a server. */
const HEAD_BYTES_MAX = 10;
/** So much of one socket goes out at once: a longer write saves nothing any more. */
const FLUSH_BYTES = 64 * 1024;

/**
 * Serves WebSockets at `endpoint.path`; other requests there are left to the routes.
 *
 * Who asks for a WebSocket as RFC 6455 wants it gets one, at once: the library's way to upgrade later looks at memory that
 * is something else by then and now and then closes the new socket. So nobody is authenticated before.
 *
 * A slow consumer isn't closed by the library (`closeOnBackpressureLimit`): the endpoint learns of it by `dropped` and
 * closes with the code of its protocol. What an endpoint throws ends that socket with 1011 and nothing else.
 */
export function registerWebSocket(
  app: NativeApp,
  endpoint: WebSocketEndpoint,
  context: ExchangeContext,
): RegisteredWebSocket {
  const open = new Set<NativeSocket>();
  app.ws<Connection>(endpoint.path, {
    maxPayloadLength: endpoint.messageBytesMax,
    maxBackpressure: endpoint.backpressureBytesMax,
    idleTimeout: Math.min(
      Math.max(Math.ceil(endpoint.idleTimeoutSeconds), IDLE_TIMEOUT_SECONDS_MIN),
      IDLE_TIMEOUT_SECONDS_MAX,
    ),
    sendPingsAutomatically: true,
    ...whileUpgrading(endpoint, context),
    ...whileOpen(endpoint, context, open),
  });
  return {
    closeAll(code, reason) {
      for (const socket of [...open]) socket.close(code, reason);
    },
  };
}

function whileUpgrading(
  endpoint: WebSocketEndpoint,
  context: ExchangeContext,
): Pick<WebSocketBehavior<Connection>, 'upgrade'> {
  return {
    upgrade(native, incoming, socketContext) {
      const headers = new Headers(incoming);
      const peerAddress = remoteAddressOf(native);
      const fault = findHeadFault(incoming.getCaseSensitiveMethod(), incoming.getUrl(), headers);
      if (fault !== null) {
        refuseHead(native, fault, { path: endpoint.path, peerAddress }, context);
        return;
      }
      const subprotocols = subprotocolsOf(headers);
      const refusal = checkUpgrade(endpoint, headers, subprotocols, context);
      if (refusal !== null) {
        // What comes behind it was meant for a WebSocket: it is no request.
        refuseHead(native, { status: null, error: refusal }, { path: endpoint.path, peerAddress }, context);
        return;
      }
      const connection: Connection = {
        request: { header: (name) => headers.first(name), subprotocols },
        remoteAddress: context.clients.clientOf(peerAddress, headers.all('x-forwarded-for')).address,
        peerAddress,
        socket: null,
        handler: null,
      };
      native.upgrade(
        connection,
        headers.first('sec-websocket-key') ?? '',
        endpoint.subprotocol,
        headers.first('sec-websocket-extensions') ?? '',
        socketContext,
      );
    },
  };
}

function whileOpen(
  endpoint: WebSocketEndpoint,
  context: ExchangeContext,
  open: Set<NativeSocket>,
): Pick<WebSocketBehavior<Connection>, 'open' | 'message' | 'drain' | 'close'> {
  const guard = (socket: NativeSocket, work: () => void) => {
    try {
      work();
    } catch (error) {
      context.logger.error({ path: endpoint.path, error }, 'a WebSocket failed unexpectedly');
      socket.close(CLOSE_INTERNAL, 'internal error');
    }
  };
  return {
    open(native) {
      const connection = native.getUserData();
      const socket = new NativeSocket(native, connection, endpoint.backpressureBytesMax, context.budget);
      const { request } = connection;
      connection.socket = socket;
      connection.request = null;
      open.add(socket);
      if (request === null) return;
      guard(socket, () => {
        const handler = endpoint.opened(socket, request);
        // The endpoint may have closed it already.
        if (open.has(socket)) connection.handler = handler;
        else handler.closed(socket.closeCode);
      });
    },
    message(native, message, isBinary) {
      const { socket, handler } = native.getUserData();
      if (socket === null) return;
      guard(socket, () => handler?.received(new Uint8Array(message), isBinary));
    },
    drain(native) {
      const { socket, handler } = native.getUserData();
      if (socket === null || native.getBufferedAmount() > 0) return;
      guard(socket, () => handler?.drained?.());
    },
    close(native, code) {
      const connection = native.getUserData();
      const { socket, handler } = connection;
      if (socket === null) return;
      socket.forget(code);
      open.delete(socket);
      connection.socket = null;
      guard(socket, () => handler?.closed(code));
    },
  };
}

/** Why there is no WebSocket for this request, or null. */
function checkUpgrade(
  endpoint: WebSocketEndpoint,
  headers: Headers,
  subprotocols: readonly string[],
  context: ExchangeContext,
): AppError | null {
  if (context.phase() !== 'serving') {
    return new AppError('unavailable', 'unavailable', 'The server is shutting down.');
  }
  // Its bytes would be read as frames.
  if (headers.first('content-length') !== undefined || headers.first('transfer-encoding') !== undefined) {
    return new AppError('invalid', 'invalid_input', 'A request for a WebSocket has no body.');
  }
  // RFC 6455 section 4.2.1
  if (headers.first('sec-websocket-version') !== '13') {
    return new AppError('invalid', 'invalid_input', 'Sec-WebSocket-Version must be 13.');
  }
  if (!subprotocols.includes(endpoint.subprotocol)) {
    return new AppError('invalid', 'invalid_input', `Offer the subprotocol ${endpoint.subprotocol}.`);
  }
  return null;
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
  readonly #place: ConnectionPlace;
  readonly #backpressureBytesMax: number;
  #closeCode = 0;
  /** What was sent in this turn of the event loop. It goes out at its end, in one write: a write for each costs more than all else. */
  #queue: Uint8Array[] = [];
  #queuedBytes = 0;
  /** What the client hasn't read, as far as it is known, with what waits here. */
  #bufferedBytes = 0;

  constructor(
    native: WebSocket<Connection>,
    { remoteAddress, peerAddress }: Pick<Connection, 'remoteAddress' | 'peerAddress'>,
    backpressureBytesMax: number,
    budget: Pick<ConnectionBudget, 'upgrade'>,
  ) {
    this.#native = native;
    this.#backpressureBytesMax = backpressureBytesMax;
    this.remoteAddress = remoteAddress;
    this.#place = budget.upgrade({
      protocol: 'websocket',
      remoteAddress,
      peerAddress,
      cut: () => this.#native?.close(),
    });
  }

  get unsentBytes(): number {
    return this.#native?.getBufferedAmount() ?? 0;
  }

  belongsTo(owner: ConnectionOwner): void {
    this.#place.belongsTo(owner);
  }

  send(message: Uint8Array): 'sent' | 'buffered' | 'dropped' {
    if (!this.#native) return 'dropped';
    if (this.#queue.length === 0) this.#bufferedBytes = this.#native.getBufferedAmount();
    if (this.#bufferedBytes > this.#backpressureBytesMax) return 'dropped';
    const result = this.#bufferedBytes === 0 ? 'sent' : 'buffered';
    if (this.#queue.length === 0) setImmediate(() => this.#flush());
    this.#queue.push(message);
    this.#queuedBytes += message.length + HEAD_BYTES_MAX;
    this.#bufferedBytes += message.length + HEAD_BYTES_MAX;
    if (this.#queuedBytes >= FLUSH_BYTES) this.#flush();
    return result;
  }

  close(code: number, reason: string): void {
    this.#flush();
    const native = this.#native;
    this.#native = null;
    native?.end(code, reason);
  }

  /** Hands over what waits. The library takes all of it: `send` has counted at least what it counts. */
  #flush(): void {
    const messages = this.#queue;
    const native = this.#native;
    if (messages.length === 0) return;
    this.#queue = [];
    this.#queuedBytes = 0;
    native?.cork(() => {
      for (const message of messages) native.send(message, true, false);
    });
  }

  /** The code it ended with, once it did. */
  get closeCode(): number {
    return this.#closeCode;
  }

  /** The library's socket is gone. */
  forget(code: number): void {
    this.#native = null;
    this.#closeCode = code;
    this.#place.leave();
  }
}
