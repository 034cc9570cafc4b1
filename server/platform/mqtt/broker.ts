import { Aedes, type Client } from 'aedes';
import type { Logger } from '../../kernel/logger.ts';
import { createBrokerStorage } from './broker-parts.ts';
import type { ClientSession } from './client-session.ts';
import { BrokerConnection, type ConnectionLimits } from './connection.ts';
import { createHooks, loggedClient } from './hooks.ts';
import { INCOMING_QOS2_MAX } from './limits.ts';
import type { MqttEndpoint } from './types.ts';

export interface BrokerOptions extends ConnectionLimits {
  readonly connectTimeoutMs: number;
  readonly incomingMessagesMax: number;
}

interface BrokerDependencies<Session> {
  readonly endpoint: MqttEndpoint<Session>;
  readonly logger: Logger;
}

type Sessions<Session> = WeakMap<Client, ClientSession<Session>>;

/** SUBACK's return code for a refused filter [MQTT-3.9.3-2]. */
const SUBSCRIPTION_REFUSED = 0x80;

/** The library's broker, with everything it decides and tells of handed to the endpoint. */
export async function createBroker<Session>(
  options: BrokerOptions,
  dependencies: BrokerDependencies<Session>,
): Promise<Aedes> {
  const sessions: Sessions<Session> = new WeakMap();
  const broker = await Aedes.createBroker({
    ...createHooks({
      ...dependencies,
      sessions,
      storage: createBrokerStorage(),
      incomingMessagesMax: options.incomingMessagesMax,
      admit: (state, session) => admit(options, dependencies, state, session),
    }),
    connectTimeout: options.connectTimeoutMs,
    maxInflightInbound: INCOMING_QOS2_MAX,
  });
  tellEndpoint(broker, sessions, dependencies.endpoint);
  broker.on('clientError', (client, error) => report(dependencies.logger, sessions.get(client), error));
  broker.on('connectionError', (client, error) => report(dependencies.logger, sessions.get(client), error));
  return broker;
}

function tellEndpoint<Session>(
  broker: Aedes,
  sessions: Sessions<Session>,
  endpoint: MqttEndpoint<Session>,
): void {
  const openOf = (client: Client) => {
    const admitted = sessions.get(client)?.admitted;
    return admitted && !admitted.connection.closed ? admitted : null;
  };
  broker.on('clientReady', (client) => {
    const open = openOf(client);
    if (open) endpoint.connected(open.connection, open.session);
  });
  broker.on('clientDisconnect', (client) => dismiss(endpoint, sessions.get(client)));
  broker.on('subscribe', (subscriptions, client) => {
    const open = openOf(client);
    if (!open) return;
    for (const { topic, qos } of subscriptions) {
      if ((qos as number) === SUBSCRIPTION_REFUSED) continue;
      open.connection.subscribed(topic, qos);
      endpoint.subscribed(open.connection, open.session, topic);
    }
  });
  broker.on('unsubscribe', (topics, client) => {
    const open = openOf(client);
    if (!open) return;
    for (const topic of topics) {
      if (open.connection.unsubscribed(topic)) endpoint.unsubscribed(open.connection, open.session, topic);
    }
  });
  broker.on('ack', (packet, client) =>
    sessions.get(client)?.admitted?.connection.confirmed(packet.messageId ?? 0),
  );
}

/** The client proved who it is: from now on it has a connection that the endpoint may use. */
function admit<Session>(
  options: BrokerOptions,
  { endpoint, logger }: BrokerDependencies<Session>,
  state: ClientSession<Session>,
  session: Session,
): void {
  const connection = new BrokerConnection(state.gate, state, options, {
    acknowledged: (token) => endpoint.acknowledged(connection, session, token),
    tooSlow: (waitingBytes) =>
      logger.warn({ ...loggedClient(state), waitingBytes }, 'an MQTT client does not read: cut'),
  });
  state.admitted = { session, connection };
  state.gate.place?.belongsTo(endpoint.ownerOf(session));
  // The broker tells only of clients it registered; one may go away before that.
  if (state.gate.destroyed) dismiss(endpoint, state);
  else state.gate.once('close', () => dismiss(endpoint, state));
}

function dismiss<Session>(endpoint: MqttEndpoint<Session>, state: ClientSession<Session> | undefined): void {
  if (!state?.admitted || state.admitted.connection.closed) return;
  const { connection, session } = state.admitted;
  connection.markClosed();
  endpoint.disconnected(connection, session);
}

function report(
  logger: Logger,
  state: ClientSession<unknown> | undefined,
  error: NodeJS.ErrnoException & { errorCode?: number },
): void {
  // A refused CONNECT was logged with its reason; a client that vanishes is everyday life.
  if (error.errorCode !== undefined) return;
  const fields = { ...loggedClient(state), reason: error.message };
  if (error.code === 'ECONNRESET' || error.code === 'EPIPE') logger.debug(fields, 'an MQTT client vanished');
  else logger.warn(fields, 'an MQTT connection was cut');
}
