import { loggedClient, shortened } from '../logged-client.ts';
import { sendRetained } from '../tree-broker.ts';
import { isOfUsableSize, subscriptionRefusal } from '../tree-rights.ts';
import type { TreeSubscription } from '../tree-types.ts';
import type { Mqtt5Parts } from './parts.ts';
import type { Mqtt5Subscription } from './read-packet.ts';
import { REASON } from './reason-codes.ts';
import { encodeGrants } from './write-packet.ts';

/** Section 3.8.3.1: retained messages are sent always; where the subscription is new; never. */
const RETAIN_IF_NEW = 1;
const RETAIN_NEVER = 2;

/** A subscription that was granted. */
interface Granted {
  readonly subscription: TreeSubscription;
  /** True: the topic is the endpoint's own. */
  readonly isOwn: boolean;
  readonly isNew: boolean;
}

/** What a client of MQTT 5 is subscribed to (sections 3.8 to 3.11). */
export class Subscriptions<Session> {
  readonly #parts: Mqtt5Parts<Session>;
  /** The endpoint's own topics among them. */
  readonly #own = new Set<string>();

  constructor(parts: Mqtt5Parts<Session>) {
    this.#parts = parts;
  }

  /** Subscriptions of a session that goes on. What isn't allowed any more is gone. */
  restore(subscriptions: readonly TreeSubscription[]): void {
    const gone: string[] = [];
    for (const subscription of subscriptions) {
      const granted = this.#grant(subscription);
      if (typeof granted === 'number') gone.push(subscription.topic);
      else this.#tell(granted);
    }
    const { state, knownId } = this.#parts;
    if (gone.length > 0) state.tree?.tree.removeSubscriptions({ id: knownId }, gone).catch(() => undefined);
  }

  async subscribe(packet: {
    readonly messageId: number;
    readonly subscriptions: readonly Mqtt5Subscription[];
  }): Promise<void> {
    const { state, isLasting, knownId, write } = this.#parts;
    const outcomes = packet.subscriptions.map((subscription) => this.#grant(subscription));
    const granted = outcomes.filter((outcome): outcome is Granted => typeof outcome !== 'number');
    if (isLasting && granted.length > 0)
      await state.tree?.tree.addSubscriptions(
        { id: knownId },
        granted.map(({ subscription }) => subscription),
      );
    const codes = outcomes.map((outcome) =>
      typeof outcome === 'number' ? outcome : outcome.subscription.qos,
    );
    write(encodeGrants('suback', packet.messageId, codes));
    for (const one of granted) {
      this.#tell(one);
      this.#sendRetained(one);
    }
  }

  async unsubscribe(packet: {
    readonly messageId: number;
    readonly filters: readonly string[];
  }): Promise<void> {
    const { state, isLasting, knownId, write } = this.#parts;
    const codes = packet.filters.map((filter) => this.#remove(filter));
    if (isLasting) await state.tree?.tree.removeSubscriptions({ id: knownId }, packet.filters);
    write(encodeGrants('unsuback', packet.messageId, codes));
  }

  /** A reason code where it is refused. What is granted is in force at once, though SUBACK waits until it is kept. */
  #grant(subscription: TreeSubscription): Granted | number {
    const { state, endpoint } = this.#parts;
    const { session, connection } = state.admitted as NonNullable<typeof state.admitted>;
    const { topic, qos } = subscription;
    if (topic.startsWith('$share/')) return REASON.sharedSubscriptionsNotSupported;
    if (!isFilter(topic) || !isOfUsableSize(topic)) return REASON.topicFilterInvalid;
    if (!/[#+]|^\$/.test(topic) && endpoint.maySubscribe(session, topic)) {
      const isNew = !this.#own.has(topic);
      this.#own.add(topic);
      connection.subscribed(topic, qos);
      return { subscription, isOwn: true, isNew };
    }
    const refusal = subscriptionRefusal(endpoint, state, topic);
    if (refusal !== null) {
      const code = refusal === 'full' ? 'limit_reached' : 'topic_forbidden';
      const fields = { ...loggedClient(state), code, topic: shortened(topic) };
      this.#parts.logger.warn(fields, 'an MQTT subscription was refused');
      return refusal === 'full' ? REASON.quotaExceeded : REASON.notAuthorized;
    }
    const isNew = state.tree?.live.has(connection, topic) !== true;
    state.tree?.live.add(connection, { id: this.#parts.knownId }, subscription);
    return { subscription, isOwn: false, isNew };
  }

  #tell({ subscription: { topic, qos }, isOwn }: Granted): void {
    const { state, endpoint } = this.#parts;
    const { session, connection } = state.admitted as NonNullable<typeof state.admitted>;
    if (connection.closed) return;
    if (isOwn) endpoint.subscribed(connection, session, topic);
    else endpoint.tree?.subscribed(session, topic, qos);
  }

  #sendRetained({ subscription, isOwn, isNew }: Granted): void {
    const { state } = this.#parts;
    const { rh } = subscription;
    if (isOwn || state.tree === null || state.admitted === null || rh === RETAIN_NEVER) return;
    if (rh === RETAIN_IF_NEW && !isNew) return;
    void sendRetained(state.admitted.connection, state.tree.tree, subscription);
  }

  #remove(filter: string): number {
    const { state, endpoint } = this.#parts;
    const { session, connection } = state.admitted as NonNullable<typeof state.admitted>;
    if (!isFilter(filter)) return REASON.topicFilterInvalid;
    if (this.#own.delete(filter)) {
      connection.unsubscribed(filter);
      endpoint.unsubscribed(connection, session, filter);
      return REASON.success;
    }
    if (state.tree?.live.remove(connection, filter) !== true) return REASON.noSubscriptionExisted;
    endpoint.tree?.unsubscribed(session, filter);
    return REASON.success;
  }
}

/** Section 4.7.1: `#` is a last level alone, `+` a level alone. */
function isFilter(filter: string): boolean {
  const levels = filter.split('/');
  return (
    filter !== '' &&
    levels.every((level, index) =>
      level === '#' ? index === levels.length - 1 : level === '+' || !/[#+]/.test(level),
    )
  );
}
