import { isUtf8 } from 'node:buffer';

/** Why a connection ends, and the CONNACK that says so before, where there is one. */
export interface PacketFault {
  readonly reason: string;
  readonly answer?: readonly number[];
}

/** MQTT 3.1.1 section 2.2.1: the packet type in the first byte's upper half. */
export const PACKET_TYPE = {
  connect: 1,
  publish: 3,
  puback: 4,
  pubrec: 5,
  pubrel: 6,
  pubcomp: 7,
  subscribe: 8,
  unsubscribe: 10,
  pingreq: 12,
  disconnect: 14,
} as const;

/** Section 3.1.2.2: MQTT 3.1.1. */
const PROTOCOL_LEVEL = 4;

/** CONNACK with a return code (MQTT 3.1.1 section 3.2.2.3). */
const refusal = (returnCode: 1 | 2): readonly number[] => [0x20, 2, 0, returnCode];
/** The beginning of CONNECT in MQTT 5 (section 3.1.2.2): protocol name and level. */
const CONNECT_OF_MQTT_5 = Buffer.from([0, 4, 0x4d, 0x51, 0x54, 0x54, 5]);
/** How much of CONNECT says that it is one of MQTT 5. */
export const MQTT_5_HEAD_BYTES = CONNECT_OF_MQTT_5.length;

/** True for the body of a CONNECT that is one of MQTT 5. */
export const isOfMqtt5 = (body: Uint8Array): boolean =>
  CONNECT_OF_MQTT_5.equals(body.subarray(0, MQTT_5_HEAD_BYTES));

/** The lower half of the first byte, of packets that clients send [MQTT-2.2.2-2]; of PUBLISH it says something. */
const FLAGS: Readonly<Record<number, number>> = {
  [PACKET_TYPE.connect]: 0,
  [PACKET_TYPE.puback]: 0,
  [PACKET_TYPE.pubrec]: 0,
  [PACKET_TYPE.pubrel]: 2,
  [PACKET_TYPE.pubcomp]: 0,
  [PACKET_TYPE.subscribe]: 2,
  [PACKET_TYPE.unsubscribe]: 2,
  [PACKET_TYPE.pingreq]: 0,
  [PACKET_TYPE.disconnect]: 0,
};

/** What is wrong with a packet's first byte, or null. */
export function findFirstByteFault(first: number): string | null {
  const type = first >> 4;
  if (type === PACKET_TYPE.publish) {
    const qos = (first >> 1) & 3;
    if (qos === 3) return 'PUBLISH with QoS 3 [MQTT-3.3.1-4]';
    return qos === 0 && (first & 8) !== 0 ? 'PUBLISH with DUP and QoS 0 [MQTT-3.3.1-2]' : null;
  }
  const flags = FLAGS[type];
  if (flags === undefined) return `a packet of type ${type}, which clients don't send`;
  return flags === (first & 15) ? null : 'reserved flags [MQTT-2.2.2-2]';
}

/**
 * How many of a packet's bytes behind its length must be seen to check it: all, but of PUBLISH the payload isn't. Grows
 * with what is known of the packet.
 */
export function checkedBytes(type: number, length: number, known: Uint8Array): number {
  if (type !== PACKET_TYPE.publish) return length;
  const topicBytes = known.length < 2 ? 0 : (known[0] as number) * 256 + (known[1] as number);
  return Math.min(length, 2 + topicBytes + 2);
}

/** What is wrong with a packet whose first byte is right, or null. `body` is as long as `checkedBytes` says. */
export function findPacketFault(first: number, body: Uint8Array): PacketFault | null {
  const type = first >> 4;
  if (type === PACKET_TYPE.connect) return findConnectFault(new PacketReader(body));
  const reason = reasonOf(type, first, new PacketReader(body));
  return reason === null ? null : { reason };
}

function reasonOf(type: number, first: number, reader: PacketReader): string | null {
  switch (type) {
    case PACKET_TYPE.publish:
      return publishFault(reader, (first >> 1) & 3);
    case PACKET_TYPE.subscribe:
      return filtersFault(reader, true);
    case PACKET_TYPE.unsubscribe:
      return filtersFault(reader, false);
    case PACKET_TYPE.pingreq:
    case PACKET_TYPE.disconnect:
      return reader.left === 0 ? null : 'bytes behind a packet that has none';
    default:
      return messageIdFault(reader) ?? (reader.left === 0 ? null : 'bytes behind an acknowledgement');
  }
}

function publishFault(reader: PacketReader, qos: number): string | null {
  const topic = reader.field();
  const fault = textFault(topic);
  if (fault !== null) return `a topic ${fault}`;
  // [MQTT-3.3.2-2]
  if (topic?.some((byte) => byte === HASH || byte === PLUS)) return 'a topic with a wildcard [MQTT-3.3.2-2]';
  return topic?.length === 0 ? 'an empty topic [MQTT-4.7.3-1]' : qos > 0 ? messageIdFault(reader) : null;
}

function filtersFault(reader: PacketReader, withQos: boolean): string | null {
  const fault = messageIdFault(reader);
  if (fault !== null) return fault;
  if (reader.left === 0) return 'no topic filter [MQTT-3.8.3-3] [MQTT-3.10.3-2]';
  while (reader.left > 0) {
    const filter = reader.field();
    const wrong = textFault(filter);
    if (wrong !== null) return `a topic filter ${wrong}`;
    if (filter?.length === 0) return 'an empty topic filter [MQTT-4.7.3-1]';
    if (filter && !isFilter(filter)) return 'a misplaced wildcard [MQTT-4.7.1-2] [MQTT-4.7.1-3]';
    if (withQos && (reader.byte() ?? 3) > 2) return 'no QoS of 0 to 2 behind a filter [MQTT-3.8.3-4]';
  }
  return null;
}

/** [MQTT-2.3.1-1] */
function messageIdFault(reader: PacketReader): string | null {
  return (reader.number() ?? 0) > 0 ? null : 'no packet identifier [MQTT-2.3.1-1]';
}

/** CONNECT, in the order of its fields. Another protocol level comes first: only its number is read. */
function findConnectFault(reader: PacketReader): PacketFault | null {
  const name = Buffer.from(reader.field() ?? []).toString('latin1');
  const level = reader.byte();
  // [MQTT-3.1.2-1]; the second is the name in MQTT 3.1.
  if (name !== 'MQTT' && name !== 'MQIsdp') return { reason: 'another protocol than MQTT [MQTT-3.1.2-1]' };
  if (level === null) return { reason: 'a CONNECT without an end' };
  if (name !== 'MQTT' || level !== PROTOCOL_LEVEL) {
    return { reason: 'another version than MQTT 3.1.1 and 5 [MQTT-3.1.2-2]', answer: refusal(1) };
  }
  const flags = reader.byte();
  if (flags === null || reader.number() === null) return { reason: 'a CONNECT without an end' };
  const wrongFlags = connectFlagsFault(flags);
  if (wrongFlags !== null) return { reason: wrongFlags };
  const clientId = reader.field();
  if (clientId === null) return { reason: 'a CONNECT without an end' };
  const wrongId = textFault(clientId);
  // [MQTT-3.1.3-9]
  if (wrongId !== null) return { reason: `a client id ${wrongId}`, answer: refusal(2) };
  const reason = connectPayloadFault(reader, flags);
  return reason === null ? null : { reason };
}

function connectFlagsFault(flags: number): string | null {
  const willQos = (flags >> 3) & 3;
  if ((flags & 1) !== 0) return 'the reserved flag of CONNECT [MQTT-3.1.2-3]';
  if ((flags & FLAG_WILL) === 0) {
    if (willQos !== 0) return 'a QoS for no will [MQTT-3.1.2-13]';
    if ((flags & FLAG_WILL_RETAIN) !== 0) return 'a retained will that is none [MQTT-3.1.2-15]';
  }
  if (willQos === 3) return 'a will with QoS 3 [MQTT-3.1.2-14]';
  return (flags & (FLAG_USER_NAME | FLAG_PASSWORD)) === FLAG_PASSWORD
    ? 'a password without a user name [MQTT-3.1.2-22]'
    : null;
}

function connectPayloadFault(reader: PacketReader, flags: number): string | null {
  if ((flags & FLAG_WILL) !== 0) {
    const wrong = textFault(reader.field());
    if (wrong !== null) return `a will topic ${wrong} [MQTT-3.1.3-10]`;
    if (reader.field() === null) return 'a will message without an end';
  }
  if ((flags & FLAG_USER_NAME) !== 0) {
    const wrong = textFault(reader.field());
    if (wrong !== null) return `a user name ${wrong} [MQTT-3.1.3-11]`;
  }
  if ((flags & FLAG_PASSWORD) !== 0 && reader.field() === null) return 'a password without an end';
  return reader.left === 0 ? null : 'bytes behind a CONNECT';
}

const FLAG_WILL = 0x04;
const FLAG_WILL_RETAIN = 0x20;
const FLAG_PASSWORD = 0x40;
const FLAG_USER_NAME = 0x80;

/** Section 1.5.3. */
function textFault(text: Uint8Array | null): string | null {
  if (text === null) return 'without an end';
  if (text.includes(0)) return 'with U+0000 [MQTT-1.5.3-2]';
  return isUtf8(text) ? null : 'that is not UTF-8 [MQTT-1.5.3-1]';
}

const HASH = 0x23;
const PLUS = 0x2b;
const SLASH = 0x2f;

/** Section 4.7.1: `#` is a last level alone, `+` a level alone. */
function isFilter(filter: Uint8Array): boolean {
  return filter.every((byte, index) => {
    if (byte !== HASH && byte !== PLUS) return true;
    if (index > 0 && filter[index - 1] !== SLASH) return false;
    return index === filter.length - 1 || (byte === PLUS && filter[index + 1] === SLASH);
  });
}

/** Reads the fields of a packet one after the other; null where the packet ends before. */
class PacketReader {
  readonly #bytes: Uint8Array;
  #position = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get left(): number {
    return this.#bytes.length - this.#position;
  }

  byte(): number | null {
    return this.left < 1 ? null : (this.#bytes[this.#position++] as number);
  }

  /** Section 1.5.2: the high byte first. */
  number(): number | null {
    if (this.left < 2) return null;
    return (this.byte() as number) * 256 + (this.byte() as number);
  }

  /** Section 1.5.3: two bytes of length and as many bytes. */
  field(): Uint8Array | null {
    const length = this.number();
    if (length === null || this.left < length) return null;
    this.#position += length;
    return this.#bytes.subarray(this.#position - length, this.#position);
  }
}
