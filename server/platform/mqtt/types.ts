import type { ConnectionOwner } from '../listening/connection-budget.ts';
import type { MqttReason } from './reason.ts';
import type { MqttTopics } from './tree-types.ts';

/**
 * MQTT as a transport sees it. Topics of the endpoint's own go through it and nowhere else; `tree`, where there is one, says
 * what clients may do with all the others, by which they reach each other.
 */
export interface MqttEndpoint<Session> {
  readonly tree?: MqttTopics<Session>;
  /** Null refuses the connection (CONNACK 4). A rejection refuses it too (CONNACK 3): by `rate_limited` or `unavailable` the client is to come again later. */
  authenticate(credentials: MqttCredentials): Promise<Session | null>;
  /** The user name that the client's lasting session is kept under, whichever it showed; without it, the one that it showed. */
  usernameOf?(session: Session): string;
  /** Whose connections this one counts among. */
  ownerOf(session: Session): ConnectionOwner;
  /**
   * True: the topic is the endpoint's own, and this client's. Otherwise the tree is asked; where it refuses, too, the connection
   * ends: 3.1.1 has no other way to refuse a publication [MQTT-3.3.5-2].
   */
  mayPublish(session: Session, topic: string): boolean;
  /**
   * True: the topic is the endpoint's own, and this client's. Otherwise the tree is asked; where it refuses, too, SUBACK says 0x80
   * for this filter. Filters with wildcards and `$share` never get here.
   */
  maySubscribe(session: Session, topicFilter: string): boolean;
  /** After CONNACK. */
  connected(connection: MqttConnection, session: Session): void;
  /** Called once for every session `authenticate` gave, also when the client went away before `connected`. */
  disconnected(connection: MqttConnection, session: Session): void;
  /**
   * True: taken, and PUBACK goes out. False: it is not, but may be another time: a publication that asks for an acknowledgement
   * (QoS 1 and 2) ends its connection instead. A refusal is what MQTT 5 answers. A rejection ends the connection too.
   */
  published(
    connection: MqttConnection,
    session: Session,
    topic: string,
    payload: Uint8Array,
  ): Promise<boolean | MqttRefusal>;
  /** After SUBACK was handed to the socket: what `deliver` sends now arrives after it. */
  subscribed(connection: MqttConnection, session: Session, topicFilter: string): void;
  /** What is delivered to the topic from now on doesn't arrive. */
  unsubscribed(connection: MqttConnection, session: Session, topicFilter: string): void;
  /**
   * The client acknowledged (PUBACK) what `deliver` sent with this token. A client that subscribed with QoS 0 chose
   * "at most once": its messages count as acknowledged when they were written.
   */
  acknowledged(connection: MqttConnection, session: Session, token: number): void;
}

/** Why a publication will never be taken. */
export interface MqttRefusal extends MqttReason {
  /** True: its client was told in another way, so that 3.1.1, which has no reasons, acknowledges it. False: that one ends the connection. */
  readonly isTold: boolean;
}

/** What a client showed in CONNECT. Absent username and password are empty. */
export interface MqttCredentials {
  readonly clientId: string;
  readonly username: string;
  readonly password: Uint8Array;
  readonly remoteAddress: string;
}

/** One connected client. */
export interface MqttConnection {
  readonly clientId: string;
  readonly remoteAddress: string;
  /** When bytes came from the client last, PINGREQ among them; milliseconds since 1970. */
  readonly heardAtMs: number;
  /**
   * Hands one message to this client only. With a `token`: QoS 1, and the token comes back in `acknowledged`; without:
   * QoS 0. It waits while the client has `unacknowledgedMessagesMax` messages to acknowledge, or as many as it takes. False, and
   * nothing was sent: the client is gone, didn't subscribe to the topic, has too much waiting, or doesn't read (then it is closed
   * as well).
   */
  deliver(topic: string, payload: Uint8Array, token?: number): boolean;
  /**
   * The same to a topic that a filter of the client matches, with the QoS that it was granted. With QoS 2 it is sent with QoS 1:
   * the client gets it at least once.
   */
  deliverMatching(topic: string, payload: Uint8Array, qos: 0 | 1 | 2, token?: number): boolean;
  /** A client of MQTT 5 is told why before. */
  close(end?: MqttReason): void;
}
