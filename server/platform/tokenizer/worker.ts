/** The thread in which text is counted. Answers a list of portions at a time with the tokens of each. */
import { parentPort } from 'node:worker_threads';
import { countTokens, setMergeCacheSize } from 'gpt-tokenizer/encoding/o200k_base';
import { REMEMBERED_PIECES_MAX } from './limits.ts';

// Control tokens in a text are only text: they are counted as what they look like.
const AS_TEXT = { allowedSpecial: new Set<string>(), disallowedSpecial: new Set<string>() };

setMergeCacheSize(REMEMBERED_PIECES_MAX);

const tokensOf = (slices: readonly string[]) =>
  slices.reduce((tokens, slice) => tokens + countTokens(slice, AS_TEXT), 0);

parentPort?.on('message', (portions: readonly (readonly string[])[]) => {
  parentPort?.postMessage(portions.map(tokensOf));
});
