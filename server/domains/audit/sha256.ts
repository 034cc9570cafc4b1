import { createHash } from 'node:crypto';

/** SHA-256 by Node: logs are verified by hundreds of thousands of records. */
export const sha256 = (bytes: Uint8Array): Uint8Array => createHash('sha256').update(bytes).digest();
