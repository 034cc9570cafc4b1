import { compareTag, finishSignature, importKey, startSignature } from './hmac';
import {
  ABI_VERSION,
  BLOCK_BYTES,
  CANDIDATES,
  CANDIDATES_MAX,
  IO,
  KEY_SLOTS,
  KEYS,
  MESSAGE,
  MESSAGE_BYTES_MAX,
  SAMPLES_MAX,
  VALUES,
} from './layout';
import { price, split } from './pricing';
import { update as updateQuality, weigh } from './quality';
import { score } from './scoring';
import { finish, start, update } from './sha256';
import { STATUS_OK, STATUS_OUT_OF_RANGE, STATUS_UNKNOWN_OPERATION } from './status';

const DESCRIPTION: usize = memory.data<u32>([
  ABI_VERSION,
  IO as u32,
  MESSAGE as u32,
  MESSAGE_BYTES_MAX,
  KEYS as u32,
  KEY_SLOTS,
  CANDIDATES as u32,
  CANDIDATES_MAX,
]);

/** What `call` can do. A number is never given to anything else. */
export namespace Operation {
  /**
   * Returns, not a status, but value number `a` of the module's description: 0 ABI version, 1 address of the I/O buffer,
   * 2 of the message, 3 longest message, 4 address of the keys, 5 slots for keys, 6 address of the candidates,
   * 7 most candidates. -1 for any other number.
   */
  export const DESCRIBE: i32 = 0;
  /** Begins a SHA-256 hash. */
  export const START_HASH: i32 = 1;
  /** Hashes or signs `a` more bytes of the message. */
  export const UPDATE: i32 = 2;
  /** Ends a hash; it is at DIGEST. */
  export const FINISH_HASH: i32 = 3;
  /** Makes a key in slot `a` of a secret of `b` bytes, at most 64, at the message, and wipes the secret. */
  export const IMPORT_KEY: i32 = 4;
  /** Signs `b` bytes of the message with the key in slot `a`; the tag is at DIGEST. */
  export const SIGN: i32 = 5;
  /** The same, then compares the tag with TAG; refuses with STATUS_TAG_MISMATCH. */
  export const VERIFY: i32 = 6;
  /** Begins a signature with the key in slot `a`, for a message that comes in parts (UPDATE). */
  export const START_SIGNATURE: i32 = 7;
  /** Ends a signature with the key in slot `a`; the tag is at DIGEST. */
  export const FINISH_SIGNATURE: i32 = 8;
  /** Ends a signature with the key in slot `a` and compares; refuses with STATUS_TAG_MISMATCH. */
  export const FINISH_VERIFICATION: i32 = 9;
  /**
   * Prices values 0 to 2 (tokens: prompt, cached prompt, completion) at values 3 to 5 (micro-cents for 1,000) and rounds
   * up to a multiple of value 6, u64; the cost is value 7.
   */
  export const PRICE: i32 = 10;
  /** Splits value 7 (cost) by `a` basis points into values 8 (fee) and 9 (earnings), u64. */
  export const SPLIT: i32 = 11;
  /** Assesses `a` samples at the message (see quality.ts); values 1 to 5 are the result. */
  export const WEIGH: i32 = 12;
  /** Takes the sample at the message into the assessment in values 1 to 6. */
  export const UPDATE_QUALITY: i32 = 13;
  /** Scores `a` candidates (see scoring.ts). */
  export const SCORE: i32 = 14;
}

function callWithKey(operation: i32, slot: u32, length: u32): i32 {
  if (operation < Operation.IMPORT_KEY || operation > Operation.FINISH_VERIFICATION)
    return STATUS_UNKNOWN_OPERATION;
  const isImport = operation == Operation.IMPORT_KEY;
  if (slot >= KEY_SLOTS || length > (isImport ? (BLOCK_BYTES as u32) : MESSAGE_BYTES_MAX))
    return STATUS_OUT_OF_RANGE;
  if (isImport) {
    importKey(slot, length);
    return STATUS_OK;
  }
  // The steps of a signature, in order; each operation leaves out those that it isn't about.
  if (operation <= Operation.START_SIGNATURE) startSignature(slot);
  if (operation == Operation.START_SIGNATURE) return STATUS_OK;
  if (operation <= Operation.VERIFY) update(MESSAGE, length);
  finishSignature(slot);
  return operation == Operation.VERIFY || operation == Operation.FINISH_VERIFICATION
    ? compareTag()
    : STATUS_OK;
}

/**
 * The one entry of the device's module, and of all single operations in the server's: runs an operation on the I/O buffer.
 * Returns a status (status.ts); refuses a slot, a length or a count that the module has no room for with
 * `STATUS_OUT_OF_RANGE`, an unknown operation with `STATUS_UNKNOWN_OPERATION`.
 */
export function call(operation: i32, a: u32, b: u32): i32 {
  if (operation == Operation.DESCRIBE) return a < 8 ? load<i32>(DESCRIPTION + a * 4) : -1;
  if (operation == Operation.START_HASH) {
    start();
    return STATUS_OK;
  }
  if (operation == Operation.UPDATE) {
    if (a > MESSAGE_BYTES_MAX) return STATUS_OUT_OF_RANGE;
    update(MESSAGE, a);
    return STATUS_OK;
  }
  if (operation == Operation.FINISH_HASH) {
    finish();
    return STATUS_OK;
  }
  if (operation == Operation.PRICE) return price(VALUES);
  if (operation == Operation.SPLIT) return split(load<u64>(VALUES, 56), a, VALUES + 64);
  if (operation == Operation.WEIGH) return a > SAMPLES_MAX ? STATUS_OUT_OF_RANGE : weigh(a);
  if (operation == Operation.UPDATE_QUALITY) return updateQuality();
  if (operation == Operation.SCORE) return a > CANDIDATES_MAX ? STATUS_OUT_OF_RANGE : score(a);
  return callWithKey(operation, a, b);
}
