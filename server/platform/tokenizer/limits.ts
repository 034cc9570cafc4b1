/** Pieces the tokenizer remembers: bounds the memory that hostile text can occupy. */
export const REMEMBERED_PIECES_MAX = 20_000;
/** Megabytes of the worker's heap: the table of tokens takes most of it. A text that needs more ends the worker, not the server. */
export const WORKER_HEAP_MEGABYTES_MAX = 512;
/**
 * Megabytes of the heap of a thread that counts with tokenizers of models: in memory one takes some fifteen times the bytes of
 * its file.
 */
export const MODEL_WORKER_HEAP_MEGABYTES_MAX = 1_024;
/** Bytes of the files of all tokenizers of models that are in memory; the ones used last stay. */
export const LOADED_BYTES_MAX = 50_331_648;
/** Milliseconds that a portion of text may take, and reading a tokenizer before it. Some 30,000 characters take one second on a busy machine. */
export const COUNT_TIMEOUT_MS = 15_000;
/** Milliseconds of one portion from which on a tokenizer counts in another thread than the rest. */
export const SLOW_COUNT_MS = 2_500;
/** Milliseconds that looking at a tokenizer may take: building it, and counting what is hardest. */
export const EXAMINATION_TIMEOUT_MS = 30_000;
/** Milliseconds in which each text of an examination must be counted; ordinary tokenizers take a fifth. */
export const EXAMINED_TEXT_MS_MAX = 2_500;
/** Characters of each text of an examination: the longest piece that is counted at once. */
export const EXAMINED_CHARACTERS = 16_384;
