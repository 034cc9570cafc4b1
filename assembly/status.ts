// What an operation that can refuse returns. A host reads results only after STATUS_OK.
export const STATUS_OK: i32 = 0;
/** A 64-bit sum or product doesn't fit. */
export const STATUS_OVERFLOW: i32 = 1;
/** An argument is outside what the operation accepts, or isn't finite. */
export const STATUS_OUT_OF_RANGE: i32 = 2;
/** The tag isn't the message's tag under this key. */
export const STATUS_TAG_MISMATCH: i32 = 3;
/** There is nothing to work on. */
export const STATUS_EMPTY: i32 = 4;
/** The module has no operation of this number. */
export const STATUS_UNKNOWN_OPERATION: i32 = 5;
