import { TopicTrie } from '../../kernel/topic-trie.ts';
import type { BrokerConnection } from './connection.ts';
import type { TreePacket } from './tree-types.ts';
import type { SharedBytes } from './wire.ts';

/** A subscription as the library has it. */
export interface ClientSubscription {
  readonly topic: string;
  readonly qos: number;
  readonly nl?: boolean | undefined;
  readonly rap?: boolean | undefined;
  readonly subscriptionIdentifier?: number | undefined;
}

/** A publication with the identifiers of the subscriptions it is for [MQTT-3.3.4-3]. */
export function withIdentifiers(packet: TreePacket, identifiers: number | number[] | undefined): TreePacket {
  if (identifiers === undefined) return packet;
  return { ...packet, properties: { ...packet.properties, subscriptionIdentifier: identifiers } };
}

interface Live extends ClientSubscription {
  readonly connection: BrokerConnection;
  readonly client: { readonly id: string };
}

/** Who is connected and subscribed, in one tree. */
export class LiveSubscriptions {
  readonly #filters = new TopicTrie<Live>();
  readonly #topics = new Map<BrokerConnection, Map<string, string>>();
  #connections = 0;
  readonly #keys = new Map<BrokerConnection, string>();

  add(connection: BrokerConnection, client: { readonly id: string }, subscription: ClientSubscription): void {
    const key = this.#keys.get(connection) ?? String(++this.#connections);
    this.#keys.set(connection, key);
    const topics = this.#topics.get(connection) ?? new Map<string, string>();
    this.#topics.set(connection, topics.set(subscription.topic, key));
    this.#filters.set(subscription.topic, key, { ...subscription, connection, client });
  }

  /** False: there was no such subscription. */
  remove(connection: BrokerConnection, topic: string): boolean {
    const key = this.#topics.get(connection)?.get(topic);
    if (key === undefined) return false;
    this.#topics.get(connection)?.delete(topic);
    return this.#filters.delete(topic, key);
  }

  /** True: the connection has this filter. */
  has(connection: BrokerConnection, topic: string): boolean {
    return this.#topics.get(connection)?.has(topic) === true;
  }

  /** The connection is over. */
  forget(connection: BrokerConnection): void {
    for (const topic of [...(this.#topics.get(connection)?.keys() ?? [])]) this.remove(connection, topic);
    this.#topics.delete(connection);
    this.#keys.delete(connection);
  }

  /** How many filters the connection has. */
  count(connection: BrokerConnection): number {
    return this.#topics.get(connection)?.size ?? 0;
  }

  /**
   * Sends a publication to whom it is for, each once, at the highest level of service of its subscriptions that match
   * [MQTT-3.3.5-1]. Lasting sessions get theirs of QoS 1 and 2 from their queues.
   */
  emit(packet: TreePacket): void {
    const found = new Map<BrokerConnection, Match>();
    for (const live of this.#filters.matchTopic(packet.topic)) {
      if (live.nl === true && live.client.id === packet.clientId) continue;
      const match = found.get(live.connection);
      if (match === undefined) found.set(live.connection, matchOf(live));
      else addTo(match, live);
    }
    const shared: SharedBytes = {};
    for (const [connection, match] of found) {
      const qos = Math.min(match.qos, packet.qos) as 0 | 1 | 2;
      if (qos > 0 && connection.isLasting) continue;
      const retain = packet.retain && match.rap;
      if (qos === 0 && !retain && match.identifiers === undefined) connection.send(packet, shared);
      else connection.sendTree(withIdentifiers(packet, match.identifiers), qos, retain);
    }
  }
}

/** What one client gets of a publication. */
interface Match {
  qos: number;
  rap: boolean;
  identifiers: number[] | undefined;
}

const matchOf = ({ qos, rap, subscriptionIdentifier }: Live): Match => ({
  qos,
  rap: rap === true,
  identifiers: subscriptionIdentifier === undefined ? undefined : [subscriptionIdentifier],
});

function addTo(match: Match, { qos, rap, subscriptionIdentifier }: Live): void {
  match.qos = Math.max(match.qos, qos);
  match.rap ||= rap === true;
  if (subscriptionIdentifier === undefined) return;
  match.identifiers ??= [];
  match.identifiers.push(subscriptionIdentifier);
}
