import type { NetworkId, TenantId } from '../../kernel/ids.ts';

/** A network's tree, and who owns the network. */
export interface TreeOwner {
  readonly networkId: NetworkId;
  readonly tenantId: TenantId;
}

export type Qos = 0 | 1 | 2;

/** A packet as the broker's library has it; more of its fields pass through than are named here. */
export interface Packet {
  readonly cmd?: string | undefined;
  readonly topic: string;
  readonly payload: Uint8Array | string;
  readonly qos: Qos;
  readonly retain: boolean;
  readonly dup?: boolean;
  /** MQTT 5 section 3.3.2.3, as the library reads them. */
  readonly properties?: Readonly<Record<string, unknown>>;
  /** Milliseconds since 1970 after which nobody gets it any more. */
  readonly messageExpiry?: number;
  readonly brokerId?: string | undefined;
  readonly brokerCounter?: number;
  readonly messageId?: number | undefined;
  readonly clientId?: string;
  /** True: the server tells of what was dropped. For a client that is away it has room where its queue is full, in the place of the one before. */
  readonly isNotice?: boolean;
}

/** A client as far as the storage needs it: its id is unique in its network. */
export interface ClientOfTree {
  readonly id: string;
}

/** A subscription of a lasting session. `rh`, `rap`, `nl`: MQTT 5 section 3.8.3.1. */
export interface Subscription {
  readonly topic: string;
  readonly qos: Qos;
  readonly rh?: number | undefined;
  readonly rap?: boolean | undefined;
  readonly nl?: boolean | undefined;
  readonly subscriptionIdentifier?: number | undefined;
}

/** A subscription and whose it is. */
export interface SubscriptionOfClient extends Subscription {
  readonly clientId: string;
}

/** A message that waits for the client of a lasting session, until it acknowledges. */
export interface QueuedMessage {
  /** Counts up in its network: the order of delivery. */
  readonly position: number;
  readonly bytes: number;
  /** A PUBLISH, or (`cmd` pubrel) the second half of a QoS 2 handshake. */
  packet: Packet;
  /** True: it was sent before, on this connection or an earlier one. */
  isRepetition: boolean;
}

/** What is kept of a session itself. `expirySeconds`, `leftAtMs`: null where it is not of MQTT 5, or its client is there. */
export interface KeptSession {
  readonly beganAtMs: number;
  readonly expirySeconds: number | null;
  readonly leftAtMs: number | null;
}

/** What a client of MQTT 5 finds. */
export interface Resumed {
  /** True: there was a session, and it goes on. */
  readonly isPresent: boolean;
  /** How long the session lasts once the client leaves: less than it asked for where there are too many. */
  readonly expirySeconds: number;
  readonly subscriptions: readonly Subscription[];
}

/** A will, with what the library adds to it. */
export interface Will extends Packet {
  brokerId?: string;
  clientId?: string;
}

/** A message that a client doesn't get. */
export interface DroppedMessage {
  readonly cause: 'queue_full' | 'session_expired' | 'retained_full';
  /** Whom it was for; null: who subscribes later, for whom there was no room to retain it. */
  readonly clientId: string | null;
  /** Who published it; null: the server, or nobody knows any more. */
  readonly publisherId: string | null;
  readonly topic: string;
}

/** What became of a publication. */
export interface Kept {
  /** False where it asked to be retained: there is no room for it. */
  readonly isRetained: boolean;
  /** Clients whose queues were full: they don't get it. */
  readonly droppedFor: readonly string[];
}
