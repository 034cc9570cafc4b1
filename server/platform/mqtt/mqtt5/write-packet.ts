import { encodeProperties, field, type Properties, variableByteInteger } from './properties.ts';

/** A packet of a first byte and parts of its body. */
function packet(first: number, ...body: Uint8Array[]): Buffer {
  const length = body.reduce((sum, part) => sum + part.length, 0);
  return Buffer.concat([Buffer.from([first]), variableByteInteger(length), ...body]);
}

const id = (messageId: number): Uint8Array => Buffer.from([messageId >> 8, messageId & 255]);

/** Section 3.2. */
export const encodeConnack = (reasonCode: number, isPresent: boolean, properties?: Properties): Buffer =>
  packet(0x20, Buffer.from([isPresent ? 1 : 0, reasonCode]), encodeProperties(properties));

const FIRST_BYTES = { puback: 0x40, pubrec: 0x50, pubrel: 0x62, pubcomp: 0x70 } as const;

/** Sections 3.4 to 3.7: without a reason code it is success. */
export function encodeAcknowledgement(
  cmd: keyof typeof FIRST_BYTES,
  messageId: number,
  reasonCode = 0,
  reasonString?: string,
): Buffer {
  if (reasonCode === 0) return Buffer.from([FIRST_BYTES[cmd], 2, messageId >> 8, messageId & 255]);
  const properties = reasonString === undefined ? [] : [encodeProperties({ reasonString })];
  return packet(FIRST_BYTES[cmd], id(messageId), Buffer.from([reasonCode]), ...properties);
}

/** Sections 3.9 and 3.11. */
export function encodeGrants(
  cmd: 'suback' | 'unsuback',
  messageId: number,
  codes: readonly number[],
): Buffer {
  return packet(
    cmd === 'suback' ? 0x90 : 0xb0,
    id(messageId),
    encodeProperties(undefined),
    Buffer.from(codes),
  );
}

/** Section 3.14. */
export const encodeDisconnect = (reasonCode: number, reasonString?: string): Buffer =>
  reasonString === undefined
    ? packet(0xe0, Buffer.from([reasonCode]))
    : packet(0xe0, Buffer.from([reasonCode]), encodeProperties({ reasonString }));

export const PINGRESP = Buffer.from([0xd0, 0]);

/** Section 3.3. `flags` are those of the first byte; with `messageId` null the QoS is 0. */
export function encodePublish5(
  topic: string,
  payload: Uint8Array,
  messageId: number | null,
  flags: { readonly qos?: 0 | 1 | 2; readonly dup?: boolean; readonly retain?: boolean },
  properties: Readonly<Properties> | undefined,
): Buffer {
  const { qos = messageId === null ? 0 : 1, dup = false, retain = false } = flags;
  const first = 0x30 | (dup ? 8 : 0) | (qos << 1) | (retain ? 1 : 0);
  const encoded = encodeProperties(properties);
  return messageId === null
    ? packet(first, field(topic), encoded, payload)
    : packet(first, field(topic), id(messageId), encoded, payload);
}
