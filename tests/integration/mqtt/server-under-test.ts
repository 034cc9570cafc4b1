import { randomUUID } from 'node:crypto';
import { connectAsync, type IClientOptions, type MqttClient } from 'mqtt';
import { onTestFinished } from 'vitest';
import { createMqttServer, type MqttServerOptions } from '../../../server/platform/mqtt/server.ts';
import type { MqttConnection, MqttEndpoint } from '../../../server/platform/mqtt/types.ts';
import type { Tls } from '../../../server/platform/tls/certificate.ts';
import { roomyBudget } from '../../support/connection-budget.ts';
import { eventually, keepingLogger } from '../http/server-under-test.ts';

/** What an endpoint saw, in order. */
export interface Seen {
  readonly connections: Map<string, MqttConnection>;
  readonly events: string[];
  readonly published: { client: string; topic: string; payload: string }[];
  readonly acknowledged: number[];
}

/**
 * A listening MQTT server; user `name` with password `secret` may publish to `<name>/up` and subscribe to
 * `<name>/down`.
 */
export async function startBroker(
  {
    connectionsMax,
    tls = null,
    ...options
  }: Partial<MqttServerOptions> & { connectionsMax?: number; tls?: Tls | null } = {},
  changes: Partial<MqttEndpoint<string>> = {},
) {
  const logger = keepingLogger();
  const seen: Seen = { connections: new Map(), events: [], published: [], acknowledged: [] };
  const endpoint: MqttEndpoint<string> = {
    authenticate: async ({ username, password }) =>
      Buffer.from(password).toString() === 'secret' ? username : null,
    ownerOf: (session) => ({ deviceId: session, tenantId: 'tenant' }),
    mayPublish: (session, topic) => topic === `${session}/up`,
    maySubscribe: (session, filter) => filter === `${session}/down`,
    connected: (connection, session) => {
      seen.connections.set(session, connection);
      seen.events.push(`connected ${session}`);
    },
    disconnected: (_connection, session) => void seen.events.push(`disconnected ${session}`),
    published: async (_connection, session, topic, payload) => {
      seen.published.push({ client: session, topic, payload: Buffer.from(payload).toString() });
      return true;
    },
    subscribed: (_connection, session, filter) => void seen.events.push(`subscribed ${session} ${filter}`),
    unsubscribed: (_connection, session, filter) =>
      void seen.events.push(`unsubscribed ${session} ${filter}`),
    acknowledged: (_connection, _session, token) => void seen.acknowledged.push(token),
    ...changes,
  };
  const server = createMqttServer(
    { host: '127.0.0.1', port: 0, ...options },
    { endpoint, budget: roomyBudget(connectionsMax, logger), tls, logger, newClientId: randomUUID },
  );
  const { port } = await server.listen();
  onTestFinished(() => server.close());

  const connect = async (name: string, more: IClientOptions = {}): Promise<MqttClient> => {
    const client = await connectAsync(`mqtt${tls === null ? '' : 's'}://127.0.0.1:${port}`, {
      username: name,
      password: 'secret',
      clientId: name,
      reconnectPeriod: 0,
      ...more,
    });
    client.on('error', () => undefined);
    onTestFinished(() => void client.end(true));
    return client;
  };
  /** The connection of a client whose subscription to its `down` topic is in force. */
  const subscribe = async (client: MqttClient, name: string, qos: 0 | 1 | 2 = 1): Promise<MqttConnection> => {
    await client.subscribeAsync(`${name}/down`, { qos });
    return await eventually('the subscription', () =>
      seen.events.includes(`subscribed ${name} ${name}/down`) ? seen.connections.get(name) : undefined,
    );
  };
  return { server, port, logger, seen, connect, subscribe };
}

/** A field of MQTT: two bytes of length and the text. */
export function field(text: string | Uint8Array): Buffer {
  const bytes = Buffer.from(text as string);
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 255]), bytes]);
}

/** A packet of a first byte and a body of any size. */
export function packet(first: number, ...body: Uint8Array[]): Buffer {
  const content = Buffer.concat(body);
  const length: number[] = [];
  let rest = content.length;
  do {
    length.push((rest % 128) | (rest >= 128 ? 0x80 : 0));
    rest = Math.floor(rest / 128);
  } while (rest > 0);
  return Buffer.concat([Buffer.from([first, ...length]), content]);
}

/** CONNECT of user `name`, by hand. */
export function connectPacket(
  name: string,
  options: {
    clientId?: string;
    password?: string;
    clean?: boolean;
    version?: number;
    keepAlive?: number;
  } = {},
): Buffer {
  const { clientId = name, password = 'secret', clean = true, version = 4, keepAlive = 60 } = options;
  return packet(
    0x10,
    field(version === 3 ? 'MQIsdp' : 'MQTT'),
    Buffer.from([version, 0xc0 | (clean ? 2 : 0), keepAlive >> 8, keepAlive & 255]),
    ...(version === 5 ? [Buffer.from([0])] : []),
    field(clientId),
    field(name),
    field(password),
  );
}

export const PINGREQ = Buffer.from([0xc0, 0]);
export const PINGRESP = Buffer.from([0xd0, 0]);
/** CONNACK with its return code; the session-present flag is never set. */
export const connack = (returnCode: number) => Buffer.from([0x20, 2, 0, returnCode]);
