import type { AedesOptions, Client, ConnectPacket, PublishPacket } from 'aedes';
import type { Logger } from '../../kernel/logger.ts';
import { type createBrokerStorage, createDeadEndRouting } from './broker-parts.ts';
import { ClientSession, type Refusal } from './client-session.ts';
import { CLIENT_ID_LENGTH_MAX } from './limits.ts';
import { type PacketGate, ProtocolViolation } from './packet-gate.ts';
import type { MqttEndpoint } from './types.ts';

export interface HookDependencies<Session> {
  readonly endpoint: MqttEndpoint<Session>;
  readonly logger: Logger;
  readonly storage: ReturnType<typeof createBrokerStorage>;
  readonly sessions: WeakMap<Client, ClientSession<Session>>;
  readonly incomingMessagesMax: number;
  /** The client proved who it is. */
  readonly admit: (state: ClientSession<Session>, session: Session) => void;
}

type Hooks = Required<
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
      const refuse = ({ returnCode, reason }: Refusal) => {
        const logged = loggedClient(dependencies.sessions.get(client));
        dependencies.logger.warn(
          { ...logged, code: 'unauthenticated', reason },
          'an MQTT connection was refused',
        );
        done(Object.assign(new Error(reason), { returnCode }), false);
      };
      signIn(dependencies, client, username ?? '', password ?? new Uint8Array()).then(
        (refusal) => (refusal === null ? done(null, true) : refuse(refusal)),
        (error: unknown) => {
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

/** Takes from CONNECT what is offered here, and notes why the connection is to be refused, if it is. */
function readConnect<Session>(
  { sessions, incomingMessagesMax }: HookDependencies<Session>,
  client: Client,
  packet: ConnectPacket,
): void {
  const gate = client.conn as PacketGate;
  sessions.set(client, new ClientSession(gate, packet.clientId, refusalOf(packet), incomingMessagesMax));
  packet.clean = true;
  delete packet.will;
}

/** Null when the client is who it says; rejects where the endpoint can't tell. */
async function signIn<Session>(
  { sessions, endpoint, admit }: HookDependencies<Session>,
  client: Client,
  username: string,
  password: Uint8Array,
): Promise<Refusal | null> {
  const state = sessions.get(client);
  if (!state) return { returnCode: 3, reason: 'no CONNECT' };
  if (state.refusal) return state.refusal;
  const { clientId, remoteAddress } = state;
  const session = await endpoint.authenticate({ clientId, username, password, remoteAddress });
  if (session === null) return { returnCode: 4, reason: 'wrong credentials' };
  admit(state, session);
  // The broker replaces connections by this id; a client id alone would let strangers replace each other.
  Object.assign(client, { id: JSON.stringify([username, clientId]) });
  return null;
}

/** Resolves when the endpoint has taken the publication, so that PUBACK follows; a rejection ends the connection. */
async function takePublication<Session>(
  { sessions, endpoint, storage, logger }: HookDependencies<Session>,
  client: Client | null,
  packet: PublishPacket,
): Promise<void> {
  const state = client ? sessions.get(client) : undefined;
  if (!client || !state?.admitted) throw new ProtocolViolation('a publication of nobody');
  const { connection, session } = state.admitted;
  const { topic, qos, messageId = 0 } = packet;
  if (!endpoint.mayPublish(session, topic)) {
    logger.warn(
      { ...loggedClient(state), code: 'topic_forbidden', topic: shortened(topic) },
      'an MQTT publication was refused',
    );
    throw new ProtocolViolation('a forbidden topic');
  }
  packet.retain = false;
  // A repeated QoS 2 publication was taken already; the broker answers it again [MQTT-4.3.3-2].
  if (qos === 2 && storage.hasHandshake(client, messageId)) return;
  const payload = packet.payload as Buffer;
  const isTaken = await state
    .inOrder(async () => endpoint.published(connection, session, topic, payload))
    .catch((error: unknown) => {
      logger.error({ ...loggedClient(state), error }, 'an MQTT publication could not be taken');
      throw new Error('the publication could not be taken');
    });
  if (!isTaken && qos > 0) throw new Error('the publication was not taken');
}

function mayTake<Session>(
  { sessions, endpoint, logger }: HookDependencies<Session>,
  client: Client | null,
  topic: string,
): boolean {
  const state = client ? sessions.get(client) : undefined;
  const session = state?.admitted?.session ?? null;
  const allowed = session !== null && !/[#+]|^\$/.test(topic) && endpoint.maySubscribe(session, topic);
  if (!allowed) {
    logger.warn(
      { ...loggedClient(state), code: 'topic_forbidden', topic: shortened(topic) },
      'an MQTT subscription was refused',
    );
  }
  return allowed;
}

/** What CONNECT asks for and isn't given, before anybody looks at the credentials. */
function refusalOf(packet: { clientId: string; clean?: boolean; will?: unknown }): Refusal | null {
  // [MQTT-3.1.3-8]
  if (packet.clientId === '' && packet.clean === false) {
    return { returnCode: 2, reason: 'no client id for a lasting session' };
  }
  if (packet.clientId.length > CLIENT_ID_LENGTH_MAX) {
    return { returnCode: 2, reason: 'the client id is too long' };
  }
  return packet.will ? { returnCode: 5, reason: 'wills are not offered' } : null;
}

/** Who it is about, for the log; what a stranger chose is cut short. */
export function loggedClient(state: ClientSession<unknown> | undefined): Record<string, unknown> {
  return state ? { clientId: shortened(state.clientId), remoteAddress: state.remoteAddress } : {};
}

function shortened(text: string): string {
  return text.length > 64 ? `${text.slice(0, 64)}...` : text;
}
