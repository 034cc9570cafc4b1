import { Aedes, type Client } from 'aedes';
import type { Logger } from '../../kernel/logger.ts';
import { createBrokerStorage } from './broker-parts.ts';
import type { ClientSession } from './client-session.ts';
import { BrokerConnection, type ConnectionLimits } from './connection.ts';
import { FailureLog, hasVanished } from './failure-log.ts';
import { createHooks, type Hooks } from './hooks.ts';
import { CLIENT_ID_LENGTH_MAX, LIBRARY_HEARTBEAT_MS } from './limits.ts';
import type { ClientSubscription } from './live-subscriptions.ts';
import { type LoggedClient, loggedClient } from './logged-client.ts';
import { Mqtt5Client } from './mqtt5/client.ts';
import { OwnPackets } from './own-packets.ts';
import type { PacketGate } from './packet-gate.ts';
import { type SharedOptions, TreeBroker } from './tree-broker.ts';
import type { MqttTree, Qos } from './tree-types.ts';
import type { MqttEndpoint } from './types.ts';
import { WIRE_OF_3_1_1, type Wire } from './wire.ts';

export interface BrokerOptions extends ConnectionLimits {
  readonly connectTimeoutMs: number;
  readonly incomingMessagesMax: number;
  readonly packetBytesMax: number;
}

interface BrokerDependencies<Session> {
  readonly endpoint: MqttEndpoint<Session>;
  readonly logger: Logger;
  readonly newClientId: () => string;
}

type Sessions<Session> = WeakMap<Client, ClientSession<Session>>;

/** SUBACK's return code for a refused filter [MQTT-3.9.3-2]. */
const SUBSCRIPTION_REFUSED = 0x80;

/** The brokers of one server: the one that clients come to, and one for each tree. */
export interface Brokers {
  /** A client comes that asks for this version of MQTT; its CONNECT is read next. */
  handle(gate: PacketGate, level: 4 | 5): void;
  /** A connection ended before its client said what it wants. */
  failed(gate: PacketGate, error: Error): void;
  /** Ends every connection. */
  close(): Promise<void>;
}

/** The library's brokers, with everything they decide and tell of handed to the endpoint. */
export async function createBrokers<Session>(
  options: BrokerOptions,
  dependencies: BrokerDependencies<Session>,
): Promise<Brokers> {
  const sessions: Sessions<Session> = new WeakMap();
  const trees = new Map<MqttTree, TreeBroker>();
  const failures = new FailureLog(dependencies.logger);
  const listen = (aedes: Aedes) => {
    tellEndpoint(aedes, sessions, dependencies);
    aedes.on('clientError', (client, error) => report(dependencies.logger, sessions.get(client), error));
    aedes.on('connectionError', (client, error) => report(dependencies.logger, sessions.get(client), error));
    aedes.on(
      'error' as 'closed',
      ((error: unknown) => dependencies.logger.error({ error }, 'the MQTT broker failed')) as () => void,
    );
  };
  const connectionOf = (client: Client) => sessions.get(client)?.admitted?.connection ?? null;
  const brokerOf = (tree: MqttTree): TreeBroker => {
    const known: TreeBroker = trees.get(tree) ?? new TreeBroker(tree, shared, connectionOf, listen);
    trees.set(tree, known);
    tree.emit = (packet) => known.live.emit(packet);
    tree.ended = () => {
      tree.emit = null;
      trees.delete(tree);
      void known.close();
    };
    return known;
  };
  const hooks: Hooks = createHooks({
    ...dependencies,
    sessions,
    storage: createBrokerStorage(),
    incomingMessagesMax: options.incomingMessagesMax,
    admit: (state, session) => admit(options, dependencies, state, session, WIRE_OF_3_1_1),
    brokerOf,
  });
  const ownClients = new Set<Mqtt5Client<Session>>();
  const serveMqtt5 = (gate: PacketGate): void => {
    const client = new Mqtt5Client(gate, options, {
      ...dependencies,
      admit: (state, session, wire) => admit(options, dependencies, state, session, wire),
      brokerOf,
    });
    ownClients.add(client);
    void client.ended.then(() => ownClients.delete(client));
  };
  const shared: SharedOptions = {
    ...hooks,
    connectTimeout: options.connectTimeoutMs,
    heartbeatInterval: LIBRARY_HEARTBEAT_MS,
    maxClientsIdLength: CLIENT_ID_LENGTH_MAX,
  };
  const broker = await Aedes.createBroker(shared);
  listen(broker);
  return {
    handle(gate, level) {
      if (level === 5) serveMqtt5(gate);
      else broker.handle(gate);
    },
    failed: ({ remoteAddress }, error) => failures.add({ clientId: '', remoteAddress }, error),
    async close() {
      await Promise.all([...ownClients].map((client) => client.shutDown()));
      await Promise.all([...trees.values()].map((tree) => tree.close()));
      await new Promise<void>((resolve) => broker.close(resolve));
    },
  };
}

function tellEndpoint<Session>(
  broker: Aedes,
  sessions: Sessions<Session>,
  { endpoint, logger }: Pick<BrokerDependencies<Session>, 'endpoint' | 'logger'>,
): void {
  const openOf = (client: Client) => {
    const state = sessions.get(client);
    const admitted = state?.admitted;
    return state && admitted && !admitted.connection.closed ? { ...admitted, tree: state.tree } : null;
  };
  const subscribed = (client: Client, subscription: ClientSubscription) => {
    const open = openOf(client);
    if (!open || subscription.qos >= SUBSCRIPTION_REFUSED) return;
    const { session, connection, tree } = open;
    const { topic, qos } = subscription;
    if (endpoint.maySubscribe(session, topic)) {
      connection.subscribed(topic, qos);
      endpoint.subscribed(connection, session, topic);
    } else if (tree) {
      tree.live.add(connection, client, subscription);
      endpoint.tree?.subscribed(session, topic, qos as Qos);
    }
  };
  broker.on('clientReady', (client) => {
    const open = openOf(client);
    if (!open) return;
    endpoint.connected(open.connection, open.session);
    const state = sessions.get(client) as ClientSession<Session>;
    state.gate.readPacketsWith(new OwnPackets({ ...open, client, state, endpoint, logger }));
    for (const [topic, subscription] of Object.entries(subscriptionsOf(client))) {
      subscribed(client, { ...subscription, topic });
    }
    if (open.tree && client.clean === false) open.connection.attach(open.tree.tree, client.id);
  });
  broker.on('clientDisconnect', (client) => dismiss(endpoint, sessions.get(client)));
  broker.on('subscribe', (subscriptions, client) => {
    for (const subscription of subscriptions) subscribed(client, subscription);
    openOf(client)?.tree?.subscribing(client, subscriptions);
  });
  broker.on('unsubscribe', (topics, client) => {
    const open = openOf(client);
    if (!open) return;
    for (const topic of topics) {
      if (open.connection.unsubscribed(topic)) endpoint.unsubscribed(open.connection, open.session, topic);
      else if (open.tree?.live.remove(open.connection, topic))
        endpoint.tree?.unsubscribed(open.session, topic);
    }
  });
  broker.on('ack', (packet, client) =>
    sessions.get(client)?.admitted?.connection.confirmed(packet?.messageId ?? 0),
  );
}

/** The library's record of what a client is subscribed to, which its types don't name. */
function subscriptionsOf(client: Client): Readonly<Record<string, Omit<ClientSubscription, 'topic'>>> {
  return (client as unknown as { subscriptions: Record<string, ClientSubscription> }).subscriptions;
}

/** The client proved who it is: from now on it has a connection that the endpoint may use. */
function admit<Session>(
  options: BrokerOptions,
  { endpoint, logger }: BrokerDependencies<Session>,
  state: ClientSession<Session>,
  session: Session,
  wire: Wire,
): void {
  const connection = new BrokerConnection(state.gate, state, wire, options, {
    acknowledged: (token) => endpoint.acknowledged(connection, session, token),
    tooSlow: (waitingBytes) =>
      logger.warn({ ...loggedClient(state), waitingBytes }, 'an MQTT client does not read: cut'),
    dropped: (topic) => logger.debug({ ...loggedClient(state), topic }, 'an MQTT message was dropped'),
  });
  state.admitted = { session, connection };
  state.gate.place?.belongsTo(endpoint.ownerOf(session));
  // The broker tells only of clients it registered; one may go away before that.
  if (state.gate.destroyed) dismiss(endpoint, state);
  else state.gate.on('close', () => dismiss(endpoint, state));
}

function dismiss<Session>(endpoint: MqttEndpoint<Session>, state: ClientSession<Session> | undefined): void {
  if (!state?.admitted || state.admitted.connection.closed) return;
  const { connection, session } = state.admitted;
  connection.markClosed();
  state.tree?.live.forget(connection);
  endpoint.disconnected(connection, session);
}

function report(
  logger: Logger,
  state: LoggedClient | undefined,
  error: NodeJS.ErrnoException & { errorCode?: number },
): void {
  // A refused CONNECT was logged with its reason; a client that vanishes is everyday life.
  if (error.errorCode !== undefined) return;
  const fields = { ...loggedClient(state), reason: error.message };
  if (hasVanished(error)) logger.debug(fields, 'an MQTT client vanished');
  else logger.warn(fields, 'an MQTT connection was cut');
}
