import { encodePublish, type PublishFlags } from './publish-packet.ts';
import type { TreePacket } from './tree-types.ts';

/** A publication for a client, as far as its bytes depend on it. */
export type Outgoing = Pick<TreePacket, 'topic' | 'payload' | 'properties' | 'messageExpiry'>;

/** The bytes of one publication that many clients get with QoS 0. */
export interface SharedBytes {
  level4?: Buffer;
  level5?: Buffer;
}

/** How packets for one client are written: in its version of MQTT, and within what it takes. */
export interface Wire {
  /** How many messages of QoS 1 and 2 the client takes before it acknowledges. */
  readonly receiveMax: number;
  /** Null: the client takes no packets of that size. */
  publish(packet: Outgoing, messageId: number | null, flags: PublishFlags): Buffer | null;
  /** With QoS 0 and without RETAIN; written once for all clients where it is the same. */
  publishShared(packet: Outgoing, shared: SharedBytes): Buffer | null;
}

/** MQTT 3.1.1, which has no properties. */
export const WIRE_OF_3_1_1: Wire = {
  receiveMax: Number.POSITIVE_INFINITY,
  publish: ({ topic, payload }, messageId, flags) => encodePublish(topic, bytesOf(payload), messageId, flags),
  publishShared: ({ topic, payload }, shared) => {
    shared.level4 ??= encodePublish(topic, bytesOf(payload), null);
    return shared.level4;
  },
};

/** A payload as bytes. */
export const bytesOf = (payload: Uint8Array | string): Uint8Array =>
  typeof payload === 'string' ? Buffer.from(payload) : payload;
