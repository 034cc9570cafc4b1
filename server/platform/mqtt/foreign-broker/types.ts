/** A broker of somebody else's, and how we are known there. */
export interface ForeignBrokerOptions {
  readonly host: string;
  readonly port: number;
  readonly isSecure: boolean;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  /** Ours alone: the broker keeps the session, with what came while we were away, under it. */
  readonly clientId: string;
  /** What we want to hear, shared with others of our group. */
  readonly filters: readonly string[];
  /** What we want to hear with its retained messages, each of us for itself. */
  readonly retainedFilters: readonly string[];
  /** Who speaks on a topic: what is said by different ones is dealt with in turn. */
  readonly speakerOf: (topic: string) => string;
}

/** A publication that the broker passed on. */
export interface ForeignPublication {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: 0 | 1 | 2;
  /** True: it was there before we subscribed. */
  readonly isRetained: boolean;
}

/** What is to be published there, with QoS 1. */
export interface ForeignMessage {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly retain: boolean;
}

/** What became of a message: the broker has it, or (MQTT 5, PUBACK 0x10) has it and knows nobody who is to get it. */
export type ForeignOutcome = 'taken' | 'unheard';

/** A connection with a broker of somebody else's, that is made again when it is lost. */
export interface ForeignBroker {
  /** Connects, and goes on trying. `received` hears what is passed on. */
  start(received: ForeignListener): void;
  /**
   * Publishes; what has no PUBACK when a connection is lost is sent again on the next. `done` is called once the broker has it. False: there
   * are too many that wait, and nothing is sent.
   */
  publish(message: ForeignMessage, done: (outcome: ForeignOutcome) => void): boolean;
  /** Takes no more publications; resolves when those that are at work are acknowledged, and the connection is over. */
  stop(): Promise<void>;
}

/** Hears what the broker passes on. Resolves when the publication is dealt with, and may be acknowledged. A rejection: it is to come again. */
export type ForeignListener = (publication: ForeignPublication) => Promise<void>;
