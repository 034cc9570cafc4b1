import { ComputeDelta, encodePayload } from '../../proto/index.ts';

/** The payload of a COMPUTE_DELTA. */
export const deltaPayload = (requestId: Uint8Array, index: number, fields: object): Uint8Array =>
  encodePayload(ComputeDelta, {
    requestId,
    index,
    fields: new TextEncoder().encode(JSON.stringify(fields)),
  });
