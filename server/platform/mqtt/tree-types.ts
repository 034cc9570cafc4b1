import type { Readable } from 'node:stream';
import type { MqttReason } from './reason.ts';

export type Qos = 0 | 1 | 2;

/** A publication as the library has it. */
export interface TreePacket {
  readonly cmd?: string | undefined;
  readonly topic: string;
  readonly payload: Uint8Array | string;
  readonly qos: Qos;
  readonly retain: boolean;
  readonly properties?: Readonly<Record<string, unknown>>;
  readonly messageExpiry?: number;
  readonly messageId?: number | undefined;
  readonly clientId?: string;
}

/** A message that waits for a lasting session. */
export interface TreeMessage {
  readonly packet: TreePacket;
  /** True: it was sent before. */
  isRepetition: boolean;
  /** True: it is in memory only. */
  readonly isVolatile?: boolean;
  /** Given back when the client has acknowledged it: the endpoint's message, and none of the tree. */
  readonly token?: number;
}

/** What the endpoint says of the topics by which clients reach each other. */
export interface MqttTopics<Session> {
  /** The tree that this client sees; null: none. Called once, before CONNACK. */
  open(session: Session, clientId: string): Promise<MqttTree | null>;
  /** True: the client may publish to this topic of its tree. */
  mayPublish(session: Session, topic: string): boolean;
  /** True: the client may subscribe to this filter of its tree. */
  maySubscribe(session: Session, topicFilter: string): boolean;
  /** The largest message of a will. */
  readonly willBytesMax: number;
  /** The client subscribed to this filter of its tree, and was granted this QoS. */
  subscribed(session: Session, topicFilter: string, qos: Qos): void;
  unsubscribed(session: Session, topicFilter: string): void;
  /** Why the publication goes nowhere, and is acknowledged; null: it goes on. The endpoint has told its client why. */
  refusal(session: Session, packet: TreePacket): MqttReason | null;
  /** The client published where it may not; its connection ends when this resolves. */
  forbidden(session: Session, topic: string): Promise<void>;
  /**
   * A publication was kept, and goes to subscribers now. Resolves before it is acknowledged, with what its client was told of
   * something that the endpoint would have done beside; a rejection ends the connection.
   */
  published(session: Session, packet: TreePacket, kept: KeptOfTree): Promise<MqttReason | null>;
}

export interface KeptOfTree {
  readonly isRetained: boolean;
  readonly droppedFor: readonly string[];
}

/** A subscription with its options (MQTT 5 section 3.8.3.1). */
export interface TreeSubscription {
  readonly topic: string;
  readonly qos: Qos;
  readonly nl?: boolean | undefined;
  readonly rap?: boolean | undefined;
  readonly rh?: number | undefined;
  readonly subscriptionIdentifier?: number | undefined;
}

/** Clients of a tree as they come and go. */
export interface TreeVisits {
  resume(
    clientId: string,
    asked: { readonly cleanStart: boolean; readonly expirySeconds: number },
  ): Promise<{
    readonly isPresent: boolean;
    readonly expirySeconds: number;
    readonly subscriptions: readonly TreeSubscription[];
  }>;
  resumePlain(clientId: string): void;
  leave(clientId: string, expirySeconds: number, hasWill: boolean): Promise<void>;
}

/** What is kept of one network's topics; what each method promises stands where it is made. */
export interface MqttTree {
  keep(
    packet: TreePacket,
    publisher: { readonly clientId: string; readonly messageId: number } | null,
  ): Promise<KeptOfTree>;
  retainedMatching(filter: string): Iterable<TreePacket>;
  hasRoomForSubscription(): boolean;
  attach(clientId: string, sink: (message: TreeMessage) => void): TreeMessage[];
  detach(clientId: string, sink: (message: TreeMessage) => void): void;
  identify(clientId: string, message: TreeMessage, messageId: number): Promise<void>;
  drop(clientId: string, message: TreeMessage): void;
  hasHandshake(clientId: string, messageId: number): boolean;
  outgoingUpdate(client: { readonly id: string }, packet: TreePacket): Promise<void>;
  outgoingClearMessageId(
    client: { readonly id: string },
    packet: { readonly messageId?: number | undefined },
  ): Promise<TreePacket | undefined>;
  incomingStorePacket(client: { readonly id: string }, packet: TreePacket): Promise<void>;
  incomingGetPacket(client: { readonly id: string }, packet: TreePacket): Promise<TreePacket>;
  incomingDelPacket(client: { readonly id: string }, packet: TreePacket): Promise<void>;
  addSubscriptions(
    client: { readonly id: string },
    subscriptions: readonly TreeSubscription[],
  ): Promise<unknown>;
  removeSubscriptions(client: { readonly id: string }, filters: readonly string[]): Promise<unknown>;
  putWill(client: { readonly id: string }, will: TreePacket): Promise<unknown>;
  readonly visits: TreeVisits;
  createRetainedStream(pattern: string): Readable;
  saidWill(will: TreePacket): void;
  wills(): { readonly clientId?: string }[];
  delWill(client: { readonly id: string }): Promise<unknown>;
  /** Called when the tree is of no more use; set by who serves its clients. */
  ended: (() => void) | null;
  /** Sends to those who are connected what the server itself publishes; set by who serves the clients. */
  emit: ((packet: TreePacket) => void) | null;
}
