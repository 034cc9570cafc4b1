import * as limits from '../limits.ts';
import { loggedClient, shortened } from '../logged-client.ts';
import type { MqttReason } from '../reason.ts';
import { isOfUsableSize, mayPublish, takeIntoTree } from '../tree-rights.ts';
import type { TreePacket } from '../tree-types.ts';
import type { Mqtt5Parts } from './parts.ts';
import type { Mqtt5Publish } from './read-packet.ts';
import { forbidden, Mqtt5Fault, REASON } from './reason-codes.ts';
import { encodeAcknowledgement } from './write-packet.ts';

/** What became of a publication. */
interface Outcome {
  /** Why it was refused; null: it wasn't. */
  readonly reason: MqttReason | null;
  /** What goes to subscribers; null: nothing. */
  readonly emitted: TreePacket | null;
}

/** What a client of MQTT 5 publishes (sections 3.3 and 4.3). */
export class Publications<Session> {
  readonly #parts: Mqtt5Parts<Session>;
  readonly #receiveMax: number;
  readonly #aliases = new Map<number, string>();
  /** Identifiers of publications that are not yet acknowledged in full [MQTT-3.3.4-7]. */
  readonly #open = new Set<number>();
  /** Of QoS 2, those that are being taken. */
  readonly #inWork = new Map<number, Promise<Outcome>>();
  /** Those of QoS 2 that wait for PUBREL, of a session that doesn't last. */
  readonly #handshakes = new Set<number>();

  constructor(parts: Mqtt5Parts<Session>, receiveMax: number) {
    this.#parts = parts;
    this.#receiveMax = receiveMax;
  }

  /** Rejects where the connection is to end. */
  async take(packet: Mqtt5Publish): Promise<void> {
    const { state, write, mayExplain } = this.#parts;
    const { qos, messageId } = packet;
    const message = this.#messageOf(packet);
    if (qos > 0) {
      this.#open.add(messageId);
      if (this.#open.size > this.#receiveMax)
        throw new Mqtt5Fault(REASON.receiveMaximumExceeded, 'more publications at once than may be');
    }
    const outcome = await state.inOrder(() =>
      qos === 2 ? this.#publishOnce(message, messageId) : this.#publish(message, messageId),
    );
    if (outcome.emitted !== null) state.tree?.live.emit(outcome.emitted);
    if (qos === 0) return;
    const { reasonCode = REASON.success, reason } = outcome.reason ?? {};
    if (qos === 1 || reasonCode !== REASON.success) this.#open.delete(messageId);
    const text = mayExplain ? reason?.slice(0, limits.REASON_CHARACTERS_MAX) : undefined;
    const cmd = qos === 1 ? 'puback' : 'pubrec';
    const full = encodeAcknowledgement(cmd, messageId, reasonCode, text);
    write(full.length <= this.#parts.maxBytes ? full : encodeAcknowledgement(cmd, messageId, reasonCode));
  }

  /** PUBREL: the handshake is over. */
  async release({ messageId }: { readonly messageId: number }): Promise<void> {
    const { write } = this.#parts;
    if (!this.#hasHandshake(messageId)) {
      write(encodeAcknowledgement('pubcomp', messageId, REASON.packetIdentifierNotFound));
      return;
    }
    await this.#closeHandshake(messageId);
    this.#open.delete(messageId);
    write(encodeAcknowledgement('pubcomp', messageId));
  }

  /** The publication with its topic in full, and when its time is over. */
  #messageOf({ topic, payload, qos, retain, properties }: Mqtt5Publish): TreePacket {
    const { topicAlias, ...others } = properties ?? {};
    const { messageExpiryInterval } = others;
    const hasProperties = Object.keys(others).length > 0;
    return {
      cmd: 'publish',
      topic: topicAlias === undefined ? topic : this.#aliased(topic, topicAlias),
      // What is kept is not kept with all that came in the same moment.
      payload: qos > 0 || retain ? Buffer.from(payload) : payload,
      qos,
      retain,
      clientId: this.#parts.knownId,
      ...(hasProperties ? { properties: others } : {}),
      ...(messageExpiryInterval === undefined
        ? {}
        : { messageExpiry: Date.now() + messageExpiryInterval * 1_000 }),
    };
  }

  #aliased(topic: string, alias: number): string {
    if (alias === 0 || alias > limits.TOPIC_ALIASES_MAX)
      throw new Mqtt5Fault(REASON.topicAliasInvalid, 'a topic alias that is not offered [MQTT-3.3.2-9]');
    if (topic !== '') {
      this.#aliases.set(alias, topic);
      return topic;
    }
    const known = this.#aliases.get(alias);
    if (known === undefined) throw forbidden('a topic alias that stands for nothing');
    return known;
  }

  /** A repeated one was taken already, or is being taken, and is answered as it was [MQTT-4.3.3-10]. */
  async #publishOnce(message: TreePacket, messageId: number): Promise<Outcome> {
    const earlier = this.#inWork.get(messageId);
    if (earlier !== undefined) return { reason: (await earlier).reason, emitted: null };
    if (this.#hasHandshake(messageId)) return TAKEN;
    const working = this.#publish(message, messageId);
    this.#inWork.set(messageId, working);
    return await working.finally(() => this.#inWork.delete(messageId));
  }

  async #publish(message: TreePacket, messageId: number): Promise<Outcome> {
    const { state, endpoint, knownId, isLasting } = this.#parts;
    const { session } = state.admitted as NonNullable<typeof state.admitted>;
    if (endpoint.mayPublish(session, message.topic)) return await this.#publishToEndpoint(message, messageId);
    if (state.tree === null || !mayPublish(endpoint, session, message.topic))
      return await this.#forbid(message.topic);
    const publisher = isLasting && message.qos === 2 ? { clientId: knownId, messageId } : null;
    const { isTaken, reason } = await takeIntoTree(this.#parts, state, message, publisher);
    if (message.qos === 2 && isTaken) {
      if (!isLasting) this.#handshakes.add(messageId);
      if (reason !== null) await this.#closeHandshake(messageId);
    }
    return { reason, emitted: isTaken ? message : null };
  }

  async #publishToEndpoint(message: TreePacket, messageId: number): Promise<Outcome> {
    const { state, endpoint, knownId, isLasting } = this.#parts;
    const { session, connection } = state.admitted as NonNullable<typeof state.admitted>;
    const { topic, qos, payload } = message;
    const taken = await endpoint.published(connection, session, topic, payload as Buffer);
    if (taken === false && qos > 0)
      throw new Mqtt5Fault(REASON.serverBusy, 'the publication could not be taken at the moment');
    if (typeof taken !== 'boolean') return { reason: taken, emitted: null };
    if (qos === 2 && isLasting)
      await state.tree?.tree.incomingStorePacket({ id: knownId }, { ...message, messageId });
    else if (qos === 2) this.#handshakes.add(messageId);
    return TAKEN;
  }

  async #forbid(topic: string): Promise<Outcome> {
    const { state, endpoint, logger } = this.#parts;
    const { session } = state.admitted as NonNullable<typeof state.admitted>;
    logger.warn(
      { ...loggedClient(state), code: 'topic_forbidden', topic: shortened(topic) },
      'an MQTT publication was refused',
    );
    await endpoint.tree?.forbidden(session, topic);
    return { reason: isOfUsableSize(topic) ? NOT_AUTHORIZED : TOPIC_TOO_LARGE, emitted: null };
  }

  #hasHandshake(messageId: number): boolean {
    const { state, isLasting, knownId } = this.#parts;
    return isLasting
      ? state.tree?.tree.hasHandshake(knownId, messageId) === true
      : this.#handshakes.has(messageId);
  }

  async #closeHandshake(messageId: number): Promise<void> {
    const { state, isLasting, knownId } = this.#parts;
    if (!isLasting) this.#handshakes.delete(messageId);
    else await state.tree?.tree.incomingDelPacket({ id: knownId }, CLOSED(messageId));
  }
}

const TAKEN: Outcome = { reason: null, emitted: null };
const NOT_AUTHORIZED: MqttReason = {
  reasonCode: REASON.notAuthorized,
  reason: 'this topic is not yours to publish to',
};

const TOPIC_TOO_LARGE: MqttReason = {
  reasonCode: REASON.topicNameInvalid,
  reason: 'this topic has too many bytes or levels',
};

const CLOSED = (messageId: number) =>
  ({ cmd: 'pubrel', topic: '', payload: '', qos: 0, retain: false, messageId }) as const;
