import net from 'node:net';
import type { Logger } from '../../kernel/logger.ts';
import type { ConnectionBudget } from '../listening/connection-budget.ts';
import { PortUnavailableError } from '../listening/port-unavailable.ts';
import type { Tls } from '../tls/certificate.ts';
import type { Socket, SocketHandler, WebSocketEndpoint } from '../websocket/types.ts';
import { type Brokers, createBrokers } from './broker.ts';
import * as limits from './limits.ts';
import { REASON } from './mqtt5/reason-codes.ts';
import { PacketFramer } from './packet-framer.ts';
import { type ByteStream, PacketGate, ProtocolViolation } from './packet-gate.ts';
import { createSecuring } from './securing.ts';
import type { MqttEndpoint } from './types.ts';
import { WebSocketStream } from './websocket-stream.ts';

/** Every limit has a default in limits.ts, with its reason. */
export interface MqttServerOptions {
  readonly host: string;
  /** 0 takes any free port; `listen` says which. */
  readonly port: number;
  /** The certificate, in PEM, of who has issued those that clients show over TLS; without it none is asked for. */
  readonly clientAuthority?: string | null;
  readonly packetBytesMax?: number;
  readonly connectTimeoutMs?: number;
  readonly drainTimeoutMs?: number;
  readonly outgoingBytesMax?: number;
  readonly unacknowledgedMessagesMax?: number;
  readonly incomingMessagesMax?: number;
}

/** MQTT 3.1.1 and 5: a listener for TCP, with TLS where there is a certificate, and what serves WebSockets of the HTTP listener. */
export interface MqttServer {
  /** MQTT over WebSocket, for the listener of HTTP: a client offers the subprotocol `mqtt` [MQTT-6.0.0-3]. */
  readonly webSocket: WebSocketEndpoint;
  /** Rejects with `PortUnavailableError` when the address can't be bound. */
  listen(): Promise<{ port: number }>;
  /** No new connections; those that are open stay. */
  stopAccepting(): void;
  /** Closes every connection. Includes `stopAccepting`. */
  close(): Promise<void>;
}

/**
 * An MQTT server. What is published to a topic of the endpoint's own goes to the endpoint alone, and what comes to a client there
 * comes from it; of QoS 1 at most, also where SUBACK grants 2. All other topics are the tree that the endpoint shows a client:
 * with wildcards, retained messages, wills, and sessions that last. A client that sees no tree has a clean session whatever it asks
 * for, its will is refused in CONNECT (return code 5), and the retain flag is ignored.
 * - QoS 2 from a client is answered in full (PUBREC, PUBREL, PUBCOMP), once per handshake.
 * - Shared subscriptions are refused in SUBACK.
 * - A second connection with the same username and client id replaces the first [MQTT-3.1.4-2]. Other users' client
 *   ids are theirs: nobody can replace a stranger.
 */
export function createMqttServer<Session>(
  options: MqttServerOptions,
  dependencies: {
    readonly endpoint: MqttEndpoint<Session>;
    readonly budget: ConnectionBudget;
    /** Null: in clear text. */
    readonly tls: Tls | null;
    readonly logger: Logger;
    /** An id for a client of MQTT 5 that has none, which nobody else has. */
    readonly newClientId: () => string;
  },
): MqttServer {
  const { host, port } = options;
  const settings = { ...DEFAULTS, ...options };
  const clients = new Clients(settings);
  const secure = createSecuring(dependencies.tls, options.clientAuthority ?? null);
  const listener = net.createServer({ noDelay: true }, (socket) => {
    socket.setKeepAlive(true, limits.TCP_KEEP_ALIVE_MS);
    const gate = clients.gateOf(secure(socket));
    gate.place = dependencies.budget.admit({
      protocol: 'mqtt',
      remoteAddress: gate.remoteAddress,
      cut: () => gate.cut({ reasonCode: REASON.quotaExceeded, reason: 'there are too many connections' }),
    });
    if (gate.place === null) {
      gate.destroy();
      return;
    }
    clients.serve(gate);
  });

  return {
    webSocket: createWebSocketEndpoint(settings.outgoingBytesMax, (socket) => {
      const stream = new WebSocketStream(socket);
      const gate = clients.gateOf(stream);
      // The listener of HTTP has given it its place, and takes it back.
      gate.place = { belongsTo: (owner) => socket.belongsTo(owner), leave: () => undefined };
      clients.serve(gate);
      return stream.handler;
    }),
    async listen() {
      clients.brokers = await createBrokers(settings, dependencies);
      const bound = new Promise<{ port: number }>((resolve, reject) => {
        listener.once('error', (error: NodeJS.ErrnoException) =>
          reject(new PortUnavailableError('MQTT', host, port, error.code ?? 'unknown')),
        );
        listener.listen({ host, port, exclusive: true }, () =>
          resolve({ port: (listener.address() as net.AddressInfo).port }),
        );
      });
      return await bound.catch(async (error: unknown) => {
        await clients.close();
        throw error;
      });
    },
    stopAccepting: () => void listener.close(),
    async close() {
      listener.close();
      await clients.close();
    },
  };
}

/** The connections of one server, whatever carries them. */
class Clients {
  readonly #options: { readonly packetBytesMax: number; readonly connectTimeoutMs: number };
  readonly #gates = new Set<PacketGate>();
  /** Who serves them; null: nobody yet, or any more. */
  brokers: Brokers | null = null;

  constructor(options: { readonly packetBytesMax: number; readonly connectTimeoutMs: number }) {
    this.#options = options;
  }

  gateOf(stream: ByteStream): PacketGate {
    const { packetBytesMax, connectTimeoutMs } = this.#options;
    const framer = new PacketFramer(limits.CONNECT_BYTES_MAX, packetBytesMax);
    const gate = new PacketGate(stream, framer, (level) => {
      clearTimeout(timer);
      // Nothing of its beginning is kept for as long as it lasts.
      gate.off('error', failed);
      gate.off('close', endTimer);
      if (this.brokers === null) gate.destroy();
      else this.brokers.handle(gate, level);
    });
    const failed = (error: Error) => this.brokers?.failed(gate, error);
    const timer = setTimeout(() => {
      gate.destroy(new ProtocolViolation('connect did not arrive in time'));
    }, connectTimeoutMs).unref();
    gate.on('error', failed);
    const endTimer = () => clearTimeout(timer);
    gate.on('close', endTimer);
    return gate;
  }

  serve(gate: PacketGate): void {
    this.#gates.add(gate);
    // It closes once; `once` would keep three objects more for each connection.
    gate.on('close', () => {
      this.#gates.delete(gate);
      gate.place?.leave();
    });
    if (this.brokers === null) gate.destroy();
  }

  /** Ends every connection. */
  async close(): Promise<void> {
    const closing = this.brokers;
    this.brokers = null;
    await closing?.close();
    // The broker knows only of clients that finished CONNECT.
    for (const gate of this.#gates) gate.destroy();
  }
}

function createWebSocketEndpoint(
  outgoingBytesMax: number,
  open: (socket: Socket) => SocketHandler,
): WebSocketEndpoint {
  return {
    path: '/mqtt',
    messageBytesMax: limits.UNREAD_BYTES_MAX,
    subprotocol: 'mqtt',
    idleTimeoutSeconds: limits.WEBSOCKET_IDLE_SECONDS,
    // More than is ever written before a slow client is cut.
    backpressureBytesMax: 2 * outgoingBytesMax + limits.PACKET_BYTES_MAX,
    opened: open,
  };
}

const DEFAULTS = {
  packetBytesMax: limits.PACKET_BYTES_MAX,
  connectTimeoutMs: limits.CONNECT_TIMEOUT_MS,
  drainTimeoutMs: limits.DRAIN_TIMEOUT_MS,
  outgoingBytesMax: limits.OUTGOING_BYTES_MAX,
  unacknowledgedMessagesMax: limits.UNACKNOWLEDGED_MESSAGES_MAX,
  incomingMessagesMax: limits.INCOMING_MESSAGES_MAX,
} as const;
