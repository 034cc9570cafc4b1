import type { Aedes, AedesOptions, Client, ConnectPacket, PublishPacket } from 'aedes';
import type { Logger } from '../../kernel/logger.ts';
import { type createBrokerStorage, createDeadEndRouting } from './broker-parts.ts';
import { knownClientId } from './client-ids.ts';
import { ClientSession, type Refusal } from './client-session.ts';
import { reasonToComeAgain } from './come-again.ts';
import { CLIENT_ID_LENGTH_MAX } from './limits.ts';
import { loggedClient, shortened } from './logged-client.ts';
import { type PacketGate, ProtocolViolation } from './packet-gate.ts';
import { NOWHERE, type TreeBroker } from './tree-broker.ts';
import { mayPublish, maySubscribe, takeIntoTree, willRefusal } from './tree-rights.ts';
import type { MqttTree, TreePacket } from './tree-types.ts';
import type { MqttEndpoint } from './types.ts';

export interface HookDependencies<Session> {
  readonly endpoint: MqttEndpoint<Session>;
  readonly logger: Logger;
  readonly storage: ReturnType<typeof createBrokerStorage>;
  readonly sessions: WeakMap<Client, ClientSession<Session>>;
  readonly incomingMessagesMax: number;
  /** The client proved who it is. */
  readonly admit: (state: ClientSession<Session>, session: Session) => void;
  /** The broker of a tree. */
  readonly brokerOf: (tree: MqttTree) => TreeBroker;
}

/** The library's options that ask. */
export type Hooks = Required<
  Pick<
    AedesOptions,
    'preConnect' | 'authenticate' | 'authorizePublish' | 'authorizeSubscribe' | 'authorizeForward'
  >
> & { readonly mq: unknown; readonly persistence: unknown };

/** Where the broker asks: who is it, may it, and what becomes of what it sent. Each asks the endpoint. */
export function createHooks<Session>(dependencies: HookDependencies<Session>): Hooks {
  return {
    persistence: dependencies.storage,
    mq: createDeadEndRouting(),
    preConnect: (client, packet, done) => {
      readConnect(dependencies, client, packet);
      done(null, true);
    },
    authenticate: (client, username, password, done) => {
      const refuse = ({ returnCode, reason, code = 'unauthenticated' }: Refusal & { code?: string }) => {
        const logged = loggedClient(dependencies.sessions.get(client));
        dependencies.logger.warn({ ...logged, code, reason }, 'an MQTT connection was refused');
        done(Object.assign(new Error(reason), { returnCode }), false);
      };
      signIn(dependencies, client, username ?? '', password ?? new Uint8Array()).then(
        (refusal) => (refusal === null ? done(null, true) : refuse(refusal)),
        (error: unknown) => {
          const later = reasonToComeAgain(error);
          if (later !== null) return refuse({ returnCode: 3, reason: later.message, code: later.code });
          const logged = loggedClient(dependencies.sessions.get(client));
          dependencies.logger.error({ ...logged, error }, 'MQTT authentication failed unexpectedly');
          refuse({ returnCode: 3, reason: 'authentication failed' });
        },
      );
    },
    authorizePublish: (client, packet, done) => {
      takePublication(dependencies, client, packet).then(
        () => done(),
        (error: Error) => done(error),
      );
    },
    authorizeSubscribe: (client, subscription, done) =>
      done(null, mayTake(dependencies, client, subscription.topic) ? subscription : null),
    authorizeForward: () => null,
  };
}

/** Notes what CONNECT asks for, and why the connection is to be refused, if it is. */
function readConnect<Session>(
  { sessions, incomingMessagesMax }: HookDependencies<Session>,
  client: Client,
  packet: ConnectPacket,
): void {
  const gate = client.conn as PacketGate;
  sessions.set(client, new ClientSession(gate, packet, refusalOf(packet), incomingMessagesMax));
  // Its keys are topics, which clients choose.
  Object.assign(client, { subscriptions: Object.create(null) });
}

/** Null when the client is who it says; rejects where the endpoint can't tell. */
async function signIn<Session>(
  dependencies: HookDependencies<Session>,
  client: Client,
  username: string,
  password: Uint8Array,
): Promise<Refusal | null> {
  const { sessions, endpoint, admit } = dependencies;
  const state = sessions.get(client);
  if (!state) return { returnCode: 3, reason: 'no CONNECT' };
  if (state.refusal) return state.refusal;
  const { clientId, remoteAddress } = state;
  const session = await endpoint.authenticate({ clientId, username, password, remoteAddress });
  if (session === null) return { returnCode: 4, reason: 'wrong credentials' };
  admit(state, session);
  // The broker replaces connections by this id; a client id alone would let strangers replace each other.
  // Without a client id it is the one that the library made up.
  const id = knownClientId(endpoint.usernameOf?.(session) ?? username, clientId || client.id);
  Object.assign(client, { id });
  const tree = (await endpoint.tree?.open(session, id)) ?? null;
  if (tree === null) return withoutTree(client, state);
  const refusal = willRefusal(endpoint, session, state.connect.will);
  if (refusal !== null) return refusal;
  state.tree = dependencies.brokerOf(tree);
  await state.tree.takeOver(id);
  tree.visits.resumePlain(id);
  // From here on the library asks the broker of the tree.
  Object.assign(client, { broker: (await state.tree.ready()) satisfies Aedes });
  return null;
}

/** A client that sees no tree has no session that could last, and a will for nobody. */
function withoutTree(client: Client, { connect }: ClientSession<unknown>): Refusal | null {
  if (connect.will) return { returnCode: 5, reason: 'wills are not offered' };
  connect.clean = true;
  Object.assign(client, { clean: true });
  return null;
}

/** Resolves when the publication is taken, so that PUBACK follows; a rejection ends the connection. */
async function takePublication<Session>(
  dependencies: HookDependencies<Session>,
  client: Client | null,
  packet: PublishPacket,
): Promise<void> {
  const { sessions, endpoint, storage, logger } = dependencies;
  const state = client ? sessions.get(client) : undefined;
  if (!client || !state?.admitted) throw new ProtocolViolation('a publication of nobody');
  const { connection, session } = state.admitted;
  const { topic, qos, messageId = 0 } = packet;
  const isOwn = endpoint.mayPublish(session, topic);
  if (!isOwn && !(state.tree !== null && mayPublish(endpoint, session, topic))) {
    logger.warn(
      { ...loggedClient(state), code: 'topic_forbidden', topic: shortened(topic) },
      'an MQTT publication was refused',
    );
    await endpoint.tree?.forbidden(session, topic);
    throw new ProtocolViolation('a forbidden topic');
  }
  // A repeated QoS 2 publication was taken already; the broker answers it again [MQTT-4.3.3-2].
  const isRepeated = state.tree?.isRepeated(client, messageId) ?? storage.hasHandshake(client, messageId);
  if (qos === 2 && isRepeated) return;
  if (!isOwn) {
    const published = { ...packet, clientId: client.id } as TreePacket;
    const publisher = client.clean === false && qos === 2 ? { clientId: client.id, messageId } : null;
    const { isTaken } = await state.inOrder(() => takeIntoTree(dependencies, state, published, publisher));
    // The library publishes the will of its client as it came in CONNECT.
    if (isTaken && packet === (state.connect.will as unknown)) state.tree?.tree.saidWill(published);
    if (isTaken) state.tree?.taken(packet);
    else Object.assign(packet, { topic: NOWHERE, retain: false });
    return;
  }
  const payload = packet.payload as Buffer;
  // Taken by the endpoint, it goes to nobody else.
  Object.assign(packet, { topic: NOWHERE, retain: false });
  const outcome = await state
    .inOrder(async () => endpoint.published(connection, session, topic, payload))
    .catch((error: unknown) => {
      logger.error({ ...loggedClient(state), error }, 'an MQTT publication could not be taken');
      throw new Error('the publication could not be taken');
    });
  const isTaken = typeof outcome === 'boolean' ? outcome : outcome.isTold;
  if (!isTaken && qos > 0) throw new Error('the publication was not taken');
}

function mayTake<Session>(
  { sessions, endpoint, logger }: HookDependencies<Session>,
  client: Client | null,
  topic: string,
): boolean {
  const state = client ? sessions.get(client) : undefined;
  const admitted = state?.admitted ?? null;
  const isOwn =
    admitted !== null && !/[#+]|^\$/.test(topic) && endpoint.maySubscribe(admitted.session, topic);
  const allowed = isOwn || (state !== undefined && maySubscribe(endpoint, state, topic));
  if (!allowed) {
    logger.warn(
      { ...loggedClient(state), code: 'topic_forbidden', topic: shortened(topic) },
      'an MQTT subscription was refused',
    );
  }
  return allowed;
}

/** What CONNECT asks for and isn't given, before anybody looks at the credentials. */
function refusalOf(packet: { clientId: string; clean?: boolean }): Refusal | null {
  // [MQTT-3.1.3-8]
  if (packet.clientId === '' && packet.clean === false) {
    return { returnCode: 2, reason: 'no client id for a lasting session' };
  }
  if (packet.clientId.length > CLIENT_ID_LENGTH_MAX) {
    return { returnCode: 2, reason: 'the client id is too long' };
  }
  return null;
}
