/** The first byte of PUBLISH without DUP and RETAIN, for QoS 0 and 1 (MQTT 3.1.1 section 3.3.1). */
const FIRST_BYTE = [0x30, 0x32] as const;

/** A PUBLISH packet; `messageId` null is QoS 0. The payload is copied. */
export function encodePublish(topic: string, payload: Uint8Array, messageId: number | null): Buffer {
  const topicBytes = Buffer.byteLength(topic);
  const idBytes = messageId === null ? 0 : 2;
  const remaining = 2 + topicBytes + idBytes + payload.length;
  let lengthBytes = 1;
  for (let rest = remaining; rest >= 128; rest = Math.floor(rest / 128)) lengthBytes++;
  const packet = Buffer.allocUnsafe(1 + lengthBytes + remaining);
  packet[0] = FIRST_BYTE[messageId === null ? 0 : 1];
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
