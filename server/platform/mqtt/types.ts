import type { ConnectionOwner } from '../listening/connection-budget.ts';

/** MQTT 3.1.1 as a transport sees it. Clients never reach each other here: every message goes through the endpoint. */
export interface MqttEndpoint<Session> {
  /** Null refuses the connection (CONNACK 4). A rejection refuses it too (CONNACK 3, server unavailable). */
  authenticate(credentials: MqttCredentials): Promise<Session | null>;
  /** Whose connections this one counts among. */
  ownerOf(session: Session): ConnectionOwner;
  /** False closes the connection: 3.1.1 has no other way to refuse a publication [MQTT-3.3.5-2]. */
  mayPublish(session: Session, topic: string): boolean;
  /** False answers SUBACK 0x80 for this filter. Filters with wildcards and `$share` never get here: refused. */
  maySubscribe(session: Session, topicFilter: string): boolean;
  /** After CONNACK. */
  connected(connection: MqttConnection, session: Session): void;
  /** Called once for every session `authenticate` gave, also when the client went away before `connected`. */
  disconnected(connection: MqttConnection, session: Session): void;
  /**
   * True: taken, and PUBACK goes out. False: it is not, and a publication that asks for an acknowledgement (QoS 1 and 2) ends
   * its connection instead. A rejection ends it too.
   */
  published(
    connection: MqttConnection,
    session: Session,
    topic: string,
    payload: Uint8Array,
  ): Promise<boolean>;
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
  /**
   * Hands one message to this client only. With a `token`: QoS 1, and the token comes back in `acknowledged`; without:
   * QoS 0. False, and nothing was sent: the client is gone, didn't subscribe to the topic, has
   * `unacknowledgedMessagesMax` messages to acknowledge, or doesn't read (then it is closed as well).
   */
  deliver(topic: string, payload: Uint8Array, token?: number): boolean;
  close(): void;
}
