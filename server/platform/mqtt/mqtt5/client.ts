import type { Logger } from '../../../kernel/logger.ts';
import { knownClientId } from '../client-ids.ts';
import { ClientSession } from '../client-session.ts';
import { reasonToComeAgain } from '../come-again.ts';
import * as limits from '../limits.ts';
import { loggedClient } from '../logged-client.ts';
import type { PacketGate } from '../packet-gate.ts';
import { MQTT_5_HEAD_BYTES } from '../packet-rules.ts';
import type { MqttReason } from '../reason.ts';
import type { TreeBroker, Visitor } from '../tree-broker.ts';
import { willRefusal } from '../tree-rights.ts';
import type { MqttTree, TreeSubscription } from '../tree-types.ts';
import type { MqttEndpoint } from '../types.ts';
import type { Wire } from '../wire.ts';
import { FieldReader } from './field-reader.ts';
import { KeepAlive } from './keep-alive.ts';
import { OutgoingHandshakes } from './outgoing-handshakes.ts';
import { PacketStream } from './packet-stream.ts';
import type { Mqtt5Parts } from './parts.ts';
import type { Properties } from './properties.ts';
import { Publications } from './publications.ts';
import { type Mqtt5Connect, type Mqtt5Packet, readConnect } from './read-packet.ts';
import { forbidden, Mqtt5Fault, REASON } from './reason-codes.ts';
import { Subscriptions } from './subscriptions.ts';
import { createWire5 } from './wire.ts';
import { encodeConnack, encodeDisconnect, PINGRESP } from './write-packet.ts';

export interface Mqtt5Options {
  readonly incomingMessagesMax: number;
  readonly packetBytesMax: number;
}

export interface Mqtt5Dependencies<Session> {
  readonly endpoint: MqttEndpoint<Session>;
  readonly logger: Logger;
  /** An id for a client that has none, which nobody else has. */
  readonly newClientId: () => string;
  /** The client proved who it is: from now on its session has a connection. */
  readonly admit: (state: ClientSession<Session>, session: Session, wire: Wire) => void;
  readonly brokerOf: (tree: MqttTree) => TreeBroker;
}

/** What became of a client's session. */
interface Entered {
  readonly isPresent: boolean;
  readonly subscriptions: readonly TreeSubscription[];
}

const NO_SESSION: Entered = { isPresent: false, subscriptions: [] };

/**
 * A client of MQTT 5, from CONNECT to the end of its connection. It meets those of 3.1.1, whom the library serves, in the tree:
 * its sessions, retained messages and subscriptions are theirs.
 */
export class Mqtt5Client<Session> implements Visitor {
  /** Resolves when the connection is over, and what becomes of its session and its will is decided. */
  readonly ended: Promise<void>;
  readonly #gate: PacketGate;
  readonly #options: Mqtt5Options;
  readonly #dependencies: Mqtt5Dependencies<Session>;
  readonly #packets: PacketStream;
  readonly #keepAlive: KeepAlive;
  #state: ClientSession<Session> | null = null;
  #parts: Mqtt5Parts<Session> | null = null;
  #publications: Publications<Session> | null = null;
  #subscriptions: Subscriptions<Session> | null = null;
  #outgoing: OutgoingHandshakes | null = null;
  /** What came after CONNECT, before it was answered. */
  #early: Buffer[] = [];
  #stage: 'connecting' | 'connected' | 'over' = 'connecting';
  #connecting: Promise<void> = Promise.resolve();
  /** How its client is known in the tree; null: it isn't. */
  #treeId: string | null = null;
  #connectExpirySeconds = 0;
  #expirySeconds = 0;
  #hasWill = true;

  constructor(gate: PacketGate, options: Mqtt5Options, dependencies: Mqtt5Dependencies<Session>) {
    this.#gate = gate;
    this.#options = options;
    this.#dependencies = dependencies;
    this.#packets = new PacketStream(options.packetBytesMax);
    this.#keepAlive = new KeepAlive(gate, () => this.#end(KEEP_ALIVE_OVER));
    gate.on('error', (error) =>
      dependencies.logger.debug(
        { ...loggedClient(this.#state ?? gateClient(gate)), error },
        'an MQTT client vanished',
      ),
    );
    this.ended = new Promise((resolve) => gate.once('close', () => void this.#closed().finally(resolve)));
    gate.readWith((chunk) => this.#begin(chunk));
  }

  async replace(): Promise<void> {
    this.#end({ reasonCode: REASON.sessionTakenOver, reason: 'another connection took the session over' });
    await this.ended;
  }

  /** The server stops. Resolves when the client is gone. */
  async shutDown(): Promise<void> {
    this.#end({ reasonCode: REASON.serverShuttingDown, reason: 'the server stops' });
    await this.ended;
  }

  /** The first bytes: CONNECT is whole. */
  #begin(bytes: Buffer): void {
    this.#gate.readWith((chunk) => this.#received(chunk));
    try {
      const head = new FieldReader(bytes);
      head.byte();
      const body = head.part(head.variableByteInteger());
      this.#early.push(head.rest());
      body.part(MQTT_5_HEAD_BYTES);
      const connect = readConnect(body);
      // What comes meanwhile waits in the socket.
      this.#gate.hold();
      this.#connecting = this.#connect(connect).catch((error: unknown) => this.#refuse(connect, error));
    } catch (error) {
      this.#refuse(null, error);
    }
  }

  async #connect(connect: Mqtt5Connect): Promise<void> {
    const { endpoint, admit, newClientId } = this.#dependencies;
    const { clientId, username, password } = connect;
    const id = clientId === '' ? newClientId() : clientId;
    const state = new ClientSession<Session>(
      this.#gate,
      { clientId: id, clean: connect.cleanStart },
      null,
      this.#options.incomingMessagesMax,
    );
    this.#state = state;
    if (id.length > limits.CLIENT_ID_LENGTH_MAX)
      throw new Mqtt5Fault(REASON.clientIdentifierNotValid, 'the client id is too long');
    const { remoteAddress } = state;
    const session = await endpoint.authenticate({ clientId, username, password, remoteAddress });
    if (session === null) throw new Mqtt5Fault(REASON.badUserNameOrPassword, 'wrong credentials');
    const wire = createWire5(limitsOf(connect));
    admit(state, session, wire);
    const known = knownClientId(endpoint.usernameOf?.(session) ?? username, id);
    const tree = (await endpoint.tree?.open(session, known)) ?? null;
    if (this.#gate.destroyed) return;
    const entered = tree === null ? this.#withoutTree(connect) : await this.#enter(connect, known, tree);
    if (this.#gate.destroyed) return;
    this.#answer(connect, id, entered);
    this.#open(known, entered);
  }

  /** A client that sees no tree has no session that could last, and a will for nobody. */
  #withoutTree({ will }: Mqtt5Connect): Entered {
    if (will !== undefined) throw new Mqtt5Fault(REASON.notAuthorized, 'wills are not offered');
    return NO_SESSION;
  }

  /** The client's session in the tree is this connection's. */
  async #enter(connect: Mqtt5Connect, known: string, tree: MqttTree): Promise<Entered> {
    const { endpoint, brokerOf } = this.#dependencies;
    const state = this.#state as ClientSession<Session>;
    const session = state.admitted?.session as Session;
    const refusal = willRefusal(endpoint, session, connect.will);
    if (refusal !== null) throw new Mqtt5Fault(REASON.notAuthorized, refusal.reason);
    state.tree = brokerOf(tree);
    await state.tree.enter(known, this);
    if (this.#gate.destroyed) {
      state.tree.left(known, this);
      return NO_SESSION;
    }
    this.#treeId = known;
    const expirySeconds = connect.properties.sessionExpiryInterval ?? 0;
    const resumed = await tree.visits.resume(known, { cleanStart: connect.cleanStart, expirySeconds });
    this.#connectExpirySeconds = resumed.expirySeconds;
    this.#expirySeconds = resumed.expirySeconds;
    if (connect.will !== undefined) {
      const { properties, ...will } = connect.will;
      await tree.putWill(
        { id: known },
        { cmd: 'publish', ...will, ...(properties === undefined ? {} : { properties: { ...properties } }) },
      );
    }
    return resumed;
  }

  #answer(connect: Mqtt5Connect, id: string, { isPresent }: Entered): void {
    const asked = connect.properties.sessionExpiryInterval ?? 0;
    const isKeepAliveLong = connect.keepAliveSeconds > limits.KEEP_ALIVE_SECONDS_MAX;
    const properties: Properties = {
      receiveMaximum: this.#options.incomingMessagesMax,
      maximumPacketSize: this.#options.packetBytesMax,
      topicAliasMaximum: limits.TOPIC_ALIASES_MAX,
      sharedSubscriptionAvailable: 0,
      ...(connect.clientId === '' ? { assignedClientIdentifier: id } : {}),
      ...(isKeepAliveLong ? { serverKeepAlive: limits.KEEP_ALIVE_SECONDS_MAX } : {}),
      ...(this.#expirySeconds === asked ? {} : { sessionExpiryInterval: this.#expirySeconds }),
    };
    this.#gate.write(encodeConnack(REASON.success, isPresent, properties));
    this.#keepAlive.begin(isKeepAliveLong ? limits.KEEP_ALIVE_SECONDS_MAX : connect.keepAliveSeconds);
    const maxBytes = connect.properties.maximumPacketSize ?? Number.POSITIVE_INFINITY;
    this.#gate.farewell = (end) => farewell(end, maxBytes);
    const mayExplain = connect.properties.requestProblemInformation !== 0;
    const state = this.#state as ClientSession<Session>;
    const knownId = this.#treeId ?? id;
    const isLasting = isPresent || this.#expirySeconds > 0;
    const { endpoint, logger } = this.#dependencies;
    const write = (packet: Buffer) => state.admitted?.connection.answer(packet);
    this.#parts = { state, endpoint, logger, knownId, isLasting, mayExplain, maxBytes, write };
  }

  /** CONNACK was sent. */
  #open(known: string, { subscriptions }: Entered): void {
    const parts = this.#parts as Mqtt5Parts<Session>;
    const { state, endpoint } = parts;
    const { connection, session } = state.admitted as NonNullable<typeof state.admitted>;
    this.#stage = 'connected';
    this.#publications = new Publications(parts, this.#options.incomingMessagesMax);
    this.#subscriptions = new Subscriptions(parts);
    this.#outgoing = new OutgoingHandshakes(parts);
    endpoint.connected(connection, session);
    if (parts.isLasting && state.tree !== null) {
      this.#subscriptions.restore(subscriptions);
      connection.attach(state.tree.tree, known);
    }
    this.#gate.release();
    const early = this.#early;
    this.#early = [];
    for (const chunk of early) this.#received(chunk);
  }

  #received(chunk: Buffer): void {
    if (this.#stage === 'over' || chunk.length === 0) return;
    if (this.#stage === 'connecting') {
      this.#early.push(chunk);
      return;
    }
    try {
      for (const packet of this.#packets.read(chunk)) {
        this.#take(packet);
        if (this.#gate.destroyed) return;
      }
    } catch (error) {
      this.#fail(error);
    }
  }

  #take(packet: Mqtt5Packet): void {
    switch (packet.cmd) {
      case 'publish':
        this.#work(this.#publications?.take(packet));
        return;
      case 'pubrel':
        this.#inOrder(async () => await this.#publications?.release(packet));
        return;
      case 'puback':
      case 'pubrec':
      case 'pubcomp':
        this.#inOrder(async () => await this.#outgoing?.take(packet));
        return;
      case 'subscribe':
        this.#inOrder(async () => await this.#subscriptions?.subscribe(packet));
        return;
      case 'unsubscribe':
        this.#inOrder(async () => await this.#subscriptions?.unsubscribe(packet));
        return;
      case 'pingreq':
        this.#parts?.write(PINGRESP);
        return;
      case 'disconnect':
        this.#disconnect(packet);
    }
  }

  /** Begins at once. While too much is in work, nothing is read from the client. */
  #inOrder(work: () => Promise<void>): void {
    this.#work(this.#state?.inOrder(work));
  }

  #work(working: Promise<void> | undefined): void {
    working?.catch((error: unknown) => this.#fail(error));
  }

  #disconnect({ reasonCode, sessionExpirySeconds }: Extract<Mqtt5Packet, { cmd: 'disconnect' }>): void {
    if (sessionExpirySeconds !== undefined) {
      if (sessionExpirySeconds > 0 && this.#connectExpirySeconds === 0)
        throw forbidden('a session expiry for a session that ends with its connection [MQTT-3.14.2-2]');
      this.#expirySeconds = sessionExpirySeconds;
    }
    // [MQTT-3.14.4-3]: with success, and only then, the will is taken back.
    this.#hasWill = reasonCode !== REASON.success;
    this.#stage = 'over';
    this.#gate.destroy();
  }

  /** The client is told in CONNACK why it isn't let in. */
  #refuse(connect: Mqtt5Connect | null, error: unknown): void {
    const { logger } = this.#dependencies;
    const client = loggedClient(this.#state ?? gateClient(this.#gate));
    const later = reasonToComeAgain(error);
    if (later !== null) {
      this.#refuse(connect, new Mqtt5Fault(REASON.serverBusy, later.message));
      return;
    }
    if (!(error instanceof Mqtt5Fault)) {
      logger.error({ ...client, error }, 'MQTT authentication failed unexpectedly');
      this.#refuse(connect, new Mqtt5Fault(REASON.serverUnavailable, 'the server is not available'));
      return;
    }
    const reason = error.message;
    if (connect === null) logger.warn({ ...client, reason }, 'an MQTT connection was cut');
    else logger.warn({ ...client, code: 'unauthenticated', reason }, 'an MQTT connection was refused');
    this.#stage = 'over';
    const maxBytes = connect?.properties.maximumPacketSize ?? Number.POSITIVE_INFINITY;
    const full = encodeConnack(error.reasonCode, false, { reasonString: error.message });
    const bytes = full.length <= maxBytes ? full : encodeConnack(error.reasonCode, false);
    this.#gate.farewell = () => bytes;
    this.#gate.cut({ reasonCode: error.reasonCode, reason: error.message });
  }

  /** What the client sent, or what we couldn't do with it, ends its connection. */
  #fail(error: unknown): void {
    if (this.#stage === 'over') return;
    const { logger } = this.#dependencies;
    const client = loggedClient(this.#state ?? gateClient(this.#gate));
    if (error instanceof Mqtt5Fault) {
      logger.warn({ ...client, reason: error.message }, 'an MQTT connection was cut');
      this.#end({ reasonCode: error.reasonCode, reason: error.message });
    } else {
      logger.error({ ...client, error }, 'an MQTT packet could not be served');
      // It comes again with the next connection.
      this.#end({ reasonCode: REASON.serverBusy, reason: 'the server can not do this at the moment' });
    }
  }

  #end(reason: MqttReason): void {
    if (this.#stage === 'over' && this.#gate.destroyed) return;
    this.#stage = 'over';
    this.#gate.cut(reason);
  }

  /** The connection is over: its will is due, and its session begins to end. */
  async #closed(): Promise<void> {
    this.#stage = 'over';
    this.#keepAlive.end();
    await this.#connecting;
    const { tree } = this.#state ?? {};
    if (this.#treeId === null || !tree) return;
    tree.left(this.#treeId, this);
    await tree.tree.visits
      .leave(this.#treeId, this.#expirySeconds, this.#hasWill)
      .catch((error: unknown) =>
        this.#dependencies.logger.error({ error }, 'the end of an MQTT session could not be written'),
      );
  }
}

const KEEP_ALIVE_OVER: MqttReason = { reasonCode: REASON.keepAliveTimeout, reason: 'nothing came in time' };

const gateClient = ({ remoteAddress }: PacketGate) => ({ clientId: '', remoteAddress });

function limitsOf({ properties }: Mqtt5Connect) {
  const { maximumPacketSize = Number.POSITIVE_INFINITY, topicAliasMaximum = 0 } = properties;
  return {
    packetBytesMax: maximumPacketSize,
    topicAliasMax: Math.min(topicAliasMaximum, limits.TOPIC_ALIASES_MAX),
    receiveMax: properties.receiveMaximum ?? 65_535,
  };
}

/** DISCONNECT with its reason, as far as the client takes it [MQTT-3.14.2-3]. */
function farewell({ reasonCode, reason }: MqttReason, maxBytes: number): Uint8Array {
  const full = encodeDisconnect(reasonCode, reason.slice(0, limits.REASON_CHARACTERS_MAX));
  if (full.length <= maxBytes) return full;
  const short = encodeDisconnect(reasonCode);
  return short.length <= maxBytes ? short : new Uint8Array();
}
