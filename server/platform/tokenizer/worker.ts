/** The thread in which text is counted. Answers one list of slices at a time with the sum of their tokens. */
import { parentPort } from 'node:worker_threads';
import { countTokens, setMergeCacheSize } from 'gpt-tokenizer/encoding/o200k_base';
import { REMEMBERED_PIECES_MAX } from './limits.ts';

// Control tokens in a text are only text: they are counted as what they look like.
const AS_TEXT = { allowedSpecial: new Set<string>(), disallowedSpecial: new Set<string>() };

setMergeCacheSize(REMEMBERED_PIECES_MAX);

parentPort?.on('message', (slices: readonly string[]) => {
  parentPort?.postMessage(slices.reduce((tokens, slice) => tokens + countTokens(slice, AS_TEXT), 0));
});
