import net from 'node:net';
import { Aedes, type Client } from 'aedes';
import type { Logger } from '../../kernel/logger.ts';
import { PortUnavailableError } from '../listening/port-unavailable.ts';
import { createBrokerStorage } from './broker-parts.ts';
import type { ClientSession } from './client-session.ts';
import { BrokerConnection } from './connection.ts';
import { createHooks, loggedClient } from './hooks.ts';
import * as limits from './limits.ts';
import { PacketFramer } from './packet-framer.ts';
import { PacketGate } from './packet-gate.ts';
import type { MqttEndpoint } from './types.ts';

/** Every limit has a default in limits.ts, with its reason. */
export interface MqttServerOptions {
  readonly host: string;
  /** 0 takes any free port; `listen` says which. */
  readonly port: number;
  readonly packetBytesMax?: number;
  readonly connectTimeoutMs?: number;
  readonly drainTimeoutMs?: number;
  readonly outgoingBytesMax?: number;
  readonly unacknowledgedMessagesMax?: number;
  readonly incomingMessagesMax?: number;
  readonly connectionsMax?: number;
}

/** A listener for MQTT 3.1.1 over TCP. */
export interface MqttServer {
  /** Rejects with `PortUnavailableError` when the address can't be bound. */
  listen(): Promise<{ port: number }>;
  /** No new connections; those that are open stay. */
  stopAccepting(): void;
  /** Closes every connection. Includes `stopAccepting`. */
  close(): Promise<void>;
}

/** SUBACK's return code for a refused filter [MQTT-3.9.3-2]. */
const SUBSCRIPTION_REFUSED = 0x80;

/**
 * An MQTT server without routing of its own: every publication goes to the endpoint, every message to a client comes
 * from it. Decided, because a device's stream is kept elsewhere:
 * - Sessions are clean whatever a client asks for; "session present" is never set.
 * - QoS 2 from a client is answered in full (PUBREC, PUBREL, PUBCOMP), once per handshake of a connection; to a
 *   client, QoS 1 is the most, also where SUBACK grants 2.
 * - A will is refused in CONNECT (return code 5): nobody would get it. The retain flag of a publication is ignored.
 * - A second connection with the same username and client id replaces the first [MQTT-3.1.4-2]. Other users' client
 *   ids are theirs: nobody can replace a stranger.
 */
export function createMqttServer<Session>(
  options: MqttServerOptions,
  dependencies: { readonly endpoint: MqttEndpoint<Session>; readonly logger: Logger },
): MqttServer {
  const { host, port } = options;
  const { endpoint, logger } = dependencies;
  const limit = (name: keyof typeof DEFAULTS) => options[name] ?? DEFAULTS[name];
  const sessions = new WeakMap<Client, ClientSession<Session>>();
  const gates = new Set<PacketGate>();
  let broker: Aedes | null = null;

  const listener = net.createServer({ noDelay: true }, (socket) => {
    socket.setKeepAlive(true, limits.TCP_KEEP_ALIVE_MS);
    const gate = new PacketGate(socket, new PacketFramer(limits.CONNECT_BYTES_MAX, limit('packetBytesMax')));
    gates.add(gate);
    gate.once('close', () => gates.delete(gate));
    broker?.handle(gate);
  });
  listener.maxConnections = limit('connectionsMax');
  listener.on('drop', () =>
    logger.warn({ connectionsMax: limit('connectionsMax') }, 'too many MQTT connections'),
  );

  return {
    async listen() {
      broker = await createBroker();
      const bound = new Promise<{ port: number }>((resolve, reject) => {
        listener.once('error', (error: NodeJS.ErrnoException) =>
          reject(new PortUnavailableError('MQTT', host, port, error.code ?? 'unknown')),
        );
        listener.listen({ host, port, exclusive: true }, () =>
          resolve({ port: (listener.address() as net.AddressInfo).port }),
        );
      });
      return await bound.catch(async (error: unknown) => {
        await closeBroker();
        throw error;
      });
    },
    stopAccepting() {
      listener.close();
    },
    async close() {
      listener.close();
      await closeBroker();
      // The broker knows only of clients that finished CONNECT.
      for (const gate of gates) gate.destroy();
    },
  };

  async function closeBroker(): Promise<void> {
    const closing = broker;
    broker = null;
    if (closing) await new Promise<void>((resolve) => closing.close(resolve));
  }

  async function createBroker(): Promise<Aedes> {
    const created = await Aedes.createBroker({
      ...createHooks({
        endpoint,
        logger,
        sessions,
        storage: createBrokerStorage(),
        incomingMessagesMax: limit('incomingMessagesMax'),
        admit,
      }),
      connectTimeout: limit('connectTimeoutMs'),
      maxInflightInbound: limits.INCOMING_QOS2_MAX,
    });
    const admittedOf = (client: Client) => sessions.get(client)?.admitted;
    created.on('clientReady', (client) => {
      const admitted = admittedOf(client);
      if (admitted && !admitted.connection.closed) endpoint.connected(admitted.connection, admitted.session);
    });
    created.on('clientDisconnect', (client) => dismiss(sessions.get(client)));
    created.on('subscribe', (subscriptions, client) => {
      const admitted = admittedOf(client);
      if (!admitted || admitted.connection.closed) return;
      for (const { topic, qos } of subscriptions) {
        if ((qos as number) === SUBSCRIPTION_REFUSED) continue;
        admitted.connection.subscribed(topic, qos);
        endpoint.subscribed(admitted.connection, admitted.session, topic);
      }
    });
    created.on('unsubscribe', (topics, client) => {
      const admitted = admittedOf(client);
      if (!admitted || admitted.connection.closed) return;
      for (const topic of topics) {
        if (admitted.connection.unsubscribed(topic)) {
          endpoint.unsubscribed(admitted.connection, admitted.session, topic);
        }
      }
    });
    created.on('ack', (packet, client) => admittedOf(client)?.connection.confirmed(packet.messageId ?? 0));
    created.on('clientError', (client, error) => report(client, error));
    created.on('connectionError', (client, error) => report(client, error));
    return created;
  }

  function admit(state: ClientSession<Session>, session: Session): void {
    const connectionLimits = {
      outgoingBytesMax: limit('outgoingBytesMax'),
      unacknowledgedMessagesMax: limit('unacknowledgedMessagesMax'),
      drainTimeoutMs: limit('drainTimeoutMs'),
    };
    const connection = new BrokerConnection(state.gate, state, connectionLimits, {
      acknowledged: (token) => endpoint.acknowledged(connection, session, token),
      tooSlow: (waitingBytes) =>
        logger.warn({ ...loggedClient(state), waitingBytes }, 'an MQTT client does not read: cut'),
    });
    state.admitted = { session, connection };
    // The broker tells only of clients it registered; one may go away before that.
    if (state.gate.destroyed) dismiss(state);
    else state.gate.once('close', () => dismiss(state));
  }

  function dismiss(state: ClientSession<Session> | undefined): void {
    if (!state?.admitted || state.admitted.connection.closed) return;
    const { connection, session } = state.admitted;
    connection.markClosed();
    endpoint.disconnected(connection, session);
  }

  function report(client: Client, error: NodeJS.ErrnoException & { errorCode?: number }): void {
    // A refused CONNECT was logged with its reason; a client that vanishes is everyday life.
    if (error.errorCode !== undefined) return;
    const fields = { ...loggedClient(sessions.get(client)), reason: error.message };
    if (error.code === 'ECONNRESET' || error.code === 'EPIPE')
      logger.debug(fields, 'an MQTT client vanished');
    else logger.warn(fields, 'an MQTT connection was cut');
  }
}

const DEFAULTS = {
  packetBytesMax: limits.PACKET_BYTES_MAX,
  connectTimeoutMs: limits.CONNECT_TIMEOUT_MS,
  drainTimeoutMs: limits.DRAIN_TIMEOUT_MS,
  outgoingBytesMax: limits.OUTGOING_BYTES_MAX,
  unacknowledgedMessagesMax: limits.UNACKNOWLEDGED_MESSAGES_MAX,
  incomingMessagesMax: limits.INCOMING_MESSAGES_MAX,
  connectionsMax: limits.CONNECTIONS_MAX,
} as const;
