/** Pieces the tokenizer remembers: bounds the memory that hostile text can occupy. */
export const REMEMBERED_PIECES_MAX = 20_000;
/** Megabytes of the worker's heap: the table of tokens takes most of it. A text that needs more ends the worker, not the server. */
export const WORKER_HEAP_MEGABYTES_MAX = 512;
