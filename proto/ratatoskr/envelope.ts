/** Fields 1 and 2 of a message as varints, and field 3 with its length in front. */
const TYPE_TAG = 0x08;
const SEQUENCE_TAG = 0x10;
const PAYLOAD_TAG = 0x1a;

/**
 * A message in one piece, as protobuf writes RatatoskrRequest and RatatoskrResponse, with its first two fields and the head of the third
 * in it. `head` is where the payload begins; behind it there is room for `trailerBytes` more.
 */
export function envelopeOf(
  { type, sequence, payloadBytes }: { type: number; sequence: number; payloadBytes: number },
  trailerBytes: number,
): { readonly message: Uint8Array; readonly head: number } {
  const head = 3 + varintBytes(type) + varintBytes(sequence) + varintBytes(payloadBytes);
  const message = new Uint8Array(head + payloadBytes + trailerBytes);
  let position = writeField(TYPE_TAG, type, message, 0);
  position = writeField(SEQUENCE_TAG, sequence, message, position);
  writeField(PAYLOAD_TAG, payloadBytes, message, position);
  return { message, head };
}

function varintBytes(value: number): number {
  let count = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) count++;
  return count;
}

/** Writes a field's tag and a whole number up to 2^53 - 1; where they end. */
function writeField(tag: number, value: number, target: Uint8Array, start: number): number {
  let position = start;
  target[position++] = tag;
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) target[position++] = (rest % 0x80) | 0x80;
  target[position++] = rest;
  return position;
}
