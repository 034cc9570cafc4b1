/**
 * The tokenizer needs time quadratic in the length of an unbroken run (one word, one row of spaces). Longer runs are
 * counted in pieces of this many characters, which adds about one token a piece at most.
 */
export const RUN_CHARACTERS_MAX = 128;
/** Characters after which a slice ends with the next token that a space follows. */
export const SLICE_CHARACTERS = 4_096;
/** Characters after which a slice ends anywhere: counting them takes a few milliseconds, between two looks at the time. */
export const SLICE_CHARACTERS_MAX = 8_192;
/** Milliseconds of counting after which everything else gets its turn. */
export const TURN_MS_MAX = 4;
/** Pieces the tokenizer remembers: bounds the memory that hostile text can occupy. */
export const REMEMBERED_PIECES_MAX = 20_000;
