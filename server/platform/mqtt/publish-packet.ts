/** The first byte of PUBLISH without DUP and RETAIN (MQTT 3.1.1 section 3.3.1). */
const PUBLISH = 0x30;

/** The flags of a PUBLISH. */
export interface PublishFlags {
  readonly qos?: 0 | 1 | 2;
  readonly dup?: boolean;
  readonly retain?: boolean;
}

/**
 * A PUBLISH packet of MQTT 3.1.1; `messageId` null is QoS 0, a number QoS 1 where no flags say otherwise. The payload is copied.
 */
export function encodePublish(
  topic: string,
  payload: Uint8Array,
  messageId: number | null,
  { qos = messageId === null ? 0 : 1, dup = false, retain = false }: PublishFlags = {},
): Buffer {
  const topicBytes = Buffer.byteLength(topic);
  const idBytes = messageId === null ? 0 : 2;
  const remaining = 2 + topicBytes + idBytes + payload.length;
  let lengthBytes = 1;
  for (let rest = remaining; rest >= 128; rest = Math.floor(rest / 128)) lengthBytes++;
  const packet = Buffer.allocUnsafe(1 + lengthBytes + remaining);
  packet[0] = PUBLISH | (dup ? 8 : 0) | (qos << 1) | (retain ? 1 : 0);
  let position = 1;
  // Section 2.2.3: seven bits a byte, the lowest first.
  for (let rest = remaining; lengthBytes > 0; lengthBytes--, rest = Math.floor(rest / 128)) {
    packet[position++] = (rest % 128) | (lengthBytes > 1 ? 0x80 : 0);
  }
  position = packet.writeUInt16BE(topicBytes, position);
  position += packet.write(topic, position);
  if (messageId !== null) position = packet.writeUInt16BE(messageId, position);
  packet.set(payload, position);
  return packet;
}
