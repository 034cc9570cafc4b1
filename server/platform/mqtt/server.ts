import net from 'node:net';
import type { Aedes } from 'aedes';
import type { Logger } from '../../kernel/logger.ts';
import type { ConnectionBudget } from '../listening/connection-budget.ts';
import { PortUnavailableError } from '../listening/port-unavailable.ts';
import { createBroker } from './broker.ts';
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
  dependencies: {
    readonly endpoint: MqttEndpoint<Session>;
    readonly budget: ConnectionBudget;
    readonly logger: Logger;
  },
): MqttServer {
  const { host, port } = options;
  const settings = { ...DEFAULTS, ...options };
  const gates = new Set<PacketGate>();
  let broker: Aedes | null = null;

  const listener = net.createServer({ noDelay: true }, (socket) => {
    socket.setKeepAlive(true, limits.TCP_KEEP_ALIVE_MS);
    const gate = new PacketGate(socket, new PacketFramer(limits.CONNECT_BYTES_MAX, settings.packetBytesMax));
    gate.place = dependencies.budget.admit({
      protocol: 'mqtt',
      remoteAddress: gate.remoteAddress,
      cut: () => gate.destroy(),
    });
    if (gate.place === null) {
      gate.destroy();
      return;
    }
    gates.add(gate);
    gate.once('close', () => {
      gates.delete(gate);
      gate.place?.leave();
    });
    broker?.handle(gate);
  });

  return {
    async listen() {
      broker = await createBroker(settings, dependencies);
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
}

const DEFAULTS = {
  packetBytesMax: limits.PACKET_BYTES_MAX,
  connectTimeoutMs: limits.CONNECT_TIMEOUT_MS,
  drainTimeoutMs: limits.DRAIN_TIMEOUT_MS,
  outgoingBytesMax: limits.OUTGOING_BYTES_MAX,
  unacknowledgedMessagesMax: limits.UNACKNOWLEDGED_MESSAGES_MAX,
  incomingMessagesMax: limits.INCOMING_MESSAGES_MAX,
} as const;
