import type { Packet, Qos, QueuedMessage, Subscription, Will } from './types.ts';

/** The bytes that a packet is counted with. */
export function sizeOf({ topic, payload, properties }: Packet): number {
  const bytes = (topic?.length ?? 0) + (payload?.length ?? 0);
  return properties === undefined ? bytes : bytes + sizeOfProperties(properties);
}

function sizeOfProperties(properties: Readonly<Record<string, unknown>>): number {
  let bytes = 0;
  for (const value of Object.values(properties)) {
    if (typeof value === 'string' || value instanceof Uint8Array) bytes += value.length;
    else if (Array.isArray(value)) for (const item of value) bytes += String(item).length;
  }
  return bytes;
}

/** A will as it is published: its delay is over (MQTT 5 section 3.1.3.2.2). */
export function publishedWill({ properties, ...will }: Will): Packet {
  if (properties === undefined) return will;
  const { willDelayInterval: _delay, ...others } = properties;
  return { ...will, properties: others };
}

/** The smaller of two levels of service. */
export const minQos = (one: Qos, other: Qos): Qos => (one < other ? one : other);

/** A publication as it is kept: with what the storage's tests expect of it, and without an id. */
export function queuedPacket(packet: Packet, qos: Qos, retain: boolean): Packet {
  const { topic, payload, dup, brokerId, brokerCounter, properties, messageExpiry, clientId } = packet;
  return {
    ...(clientId === undefined ? {} : { clientId }),
    ...(properties === undefined ? {} : { properties }),
    ...(messageExpiry === undefined ? {} : { messageExpiry }),
    cmd: packet.cmd ?? 'publish',
    brokerId,
    brokerCounter: brokerCounter ?? 0,
    topic,
    payload,
    qos,
    retain,
    dup: dup ?? false,
    messageId: undefined,
  };
}

/** The same of a publication that came with QoS 2, under its client's id for it. */
export function queuedIncoming(packet: Packet, messageId: number): Packet {
  return { ...queuedPacket(packet, packet.qos, packet.retain), messageId };
}

/** What one client gets of a publication for all of its subscriptions that match: once, at the highest level [MQTT-3.3.5-1]. */
export interface Delivery {
  qos: Qos;
  /** True: the retain flag is passed on as it is (MQTT 5 section 3.8.3.1). */
  retainAsPublished: boolean;
  readonly subscriptionIdentifiers: number[];
}

/** Adds a subscription that matches to what its client gets. */
export function addMatch(delivery: Delivery | undefined, subscription: Subscription): Delivery {
  const { qos, rap, subscriptionIdentifier } = subscription;
  const sum = delivery ?? { qos: 0, retainAsPublished: false, subscriptionIdentifiers: [] };
  if (qos > sum.qos) sum.qos = qos;
  if (rap === true) sum.retainAsPublished = true;
  if (subscriptionIdentifier !== undefined) sum.subscriptionIdentifiers.push(subscriptionIdentifier);
  return sum;
}

/** A publication as one client gets it. */
export function deliveredPacket(packet: Packet, delivery: Delivery): Packet {
  const { qos, retainAsPublished, subscriptionIdentifiers } = delivery;
  const [first] = subscriptionIdentifiers;
  const subscriptionIdentifier = subscriptionIdentifiers.length > 1 ? subscriptionIdentifiers : first;
  const marked =
    subscriptionIdentifier === undefined
      ? packet
      : { ...packet, properties: { ...packet.properties, subscriptionIdentifier } };
  return queuedPacket(marked, minQos(packet.qos, qos), packet.retain && retainAsPublished);
}

/** When nobody gets the packet any more, by MQTT 5 section 3.3.2.3.3; undefined: never. */
export function expiryOf({ properties, messageExpiry }: Packet, nowMs: number): number | undefined {
  const seconds = properties?.messageExpiryInterval;
  return messageExpiry ?? (typeof seconds === 'number' ? nowMs + seconds * 1000 : undefined);
}

/** A message that was not sent on any connection. */
export function newMessage(position: number, packet: Packet): QueuedMessage {
  return {
    position,
    packet,
    bytes: sizeOf(packet),

    isRepetition: packet.messageId !== undefined,
  };
}
