import type { ConnectionOwner } from '../listening/connection-budget.ts';

/** WebSockets at one path. */
export interface WebSocketEndpoint {
  readonly path: string;
  /** A port of its own, at the address of the HTTP listener and with its TLS. Not there: the listener's port, beside HTTP. */
  readonly ownPort?: OwnPort;
  /** A larger message closes the connection. */
  readonly messageBytesMax: number;
  /** The only subprotocol spoken here; a client must offer it. */
  readonly subprotocol: string;
  /** A connection without any message or pong for so long, between 8 s and 16 min, is closed; pings are sent before. */
  readonly idleTimeoutSeconds: number;
  /** Unsent bytes a slow client may have; what doesn't fit is dropped and `send` says so. */
  readonly backpressureBytesMax: number;
  /** A client came in, whoever it is: the endpoint finds out and closes the sockets of those it doesn't want. */
  opened(socket: Socket, request: UpgradeRequest): SocketHandler;
}

/** A port where one endpoint is served and nothing else. */
export interface OwnPort {
  /** 0 takes any free one. */
  readonly port: number;
  /** What is spoken there, for who has to find another port. */
  readonly protocol: 'Ratatoskr';
}

/** What the endpoint does with one socket. */
export interface SocketHandler {
  /** `message` is valid only during the call: copy what must outlive it. */
  received(message: Uint8Array, isBinary: boolean): void;
  /** The client has read everything that waited. */
  drained?(): void;
  /** Called once, at the end, whoever ended it. Nothing can be sent any more. */
  closed(code: number): void;
}

/** The HTTP request that asked for a WebSocket. */
export interface UpgradeRequest {
  /** A header by its lower-case name. */
  header(name: string): string | undefined;
  readonly subprotocols: readonly string[];
}

/** An open WebSocket. After it closed, `send` answers `dropped` and `close` does nothing. */
export interface Socket {
  /**
   * Sends a binary message at the end of this turn of the event loop: its bytes must not change any more. `buffered`: behind
   * others, as the client reads. `dropped`: over the limit or closed, it will not be sent; the caller closes the slow consumer.
   */
  send(message: Uint8Array): 'sent' | 'buffered' | 'dropped';
  /** Bytes that wait for the client to read, without what was sent in this turn of the event loop. */
  readonly unsentBytes: number;
  /** Says goodbye with a code (RFC 6455 section 7.4) and a reason of at most 123 bytes. */
  close(code: number, reason: string): void;
  /** It is known who this is: the connection counts among theirs, and may be the one too many. */
  belongsTo(owner: ConnectionOwner): void;
  /** The client's, behind proxies that are trusted to name it. */
  readonly remoteAddress: string;
}
