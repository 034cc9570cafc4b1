import { ComputeDelta, encodePayload } from '../../proto/index.ts';
import { PIECE_BYTES_MAX } from '../../proto/ratatoskr/index.ts';

/** The payloads of the COMPUTE_DELTAs of one piece, however long it is. */
export function deltaPayloads(requestId: Uint8Array, index: number, fields: object): Uint8Array[] {
  const bytes = new TextEncoder().encode(JSON.stringify(fields));
  const payloads: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += PIECE_BYTES_MAX) {
    const more = at + PIECE_BYTES_MAX < bytes.length;
    const part = bytes.subarray(at, at + PIECE_BYTES_MAX);
    payloads.push(encodePayload(ComputeDelta, { requestId, index, fields: part, more }));
  }
  return payloads;
}

/** The payload of the COMPUTE_DELTA of a piece that fits one. */
export const deltaPayload = (requestId: Uint8Array, index: number, fields: object): Uint8Array =>
  encodePayload(ComputeDelta, {
    requestId,
    index,
    fields: new TextEncoder().encode(JSON.stringify(fields)),
  });
