import { countTokens as countWithTokenizer, setMergeCacheSize } from 'gpt-tokenizer/encoding/o200k_base';
import {
  REMEMBERED_PIECES_MAX,
  RUN_CHARACTERS_MAX,
  SLICE_CHARACTERS,
  SLICE_CHARACTERS_MAX,
  TURN_MS_MAX,
} from './limits.ts';

/** What counts towards a prompt in one message. */
export interface CountedMessage {
  readonly role: string;
  readonly text: string;
  readonly name?: string | undefined;
}

// OpenAI's own recipe ("How to count tokens with tiktoken", gpt-4o): each message costs 3 tokens beside its role and
// content, a name one more, and every answer is primed with 3.
const TOKENS_PER_MESSAGE = 3;
const TOKENS_PER_NAME = 1;
const TOKENS_PER_ANSWER = 3;

// Control tokens in a text are only text: they are counted as what they look like.
const AS_TEXT = { allowedSpecial: new Set<string>(), disallowedSpecial: new Set<string>() };

/** What the tokenizer's pattern takes for white space. */
const SPACE = /\s/;

setMergeCacheSize(REMEMBERED_PIECES_MAX);

/**
 * Tokens of `text` in o200k_base. Takes time proportional to the length whatever the text is, and lets the event loop
 * turn every few milliseconds. Exact for text whose unbroken runs are at most 128 characters long and that has a space in
 * every 4,096; each further piece of a longer run or stretch may add a token.
 */
export async function countTokens(text: string): Promise<number> {
  let tokens = 0;
  let turnStartMs = performance.now();
  for (const slice of slicesOf(text)) {
    tokens += countWithTokenizer(slice, AS_TEXT);
    if (performance.now() - turnStartMs < TURN_MS_MAX) continue;
    await new Promise((resolve) => setImmediate(resolve));
    turnStartMs = performance.now();
  }
  return tokens;
}

/** Tokens of a conversation that is to be continued, with OpenAI's overhead for each message. */
export async function countPromptTokens(messages: readonly CountedMessage[]): Promise<number> {
  let tokens = TOKENS_PER_ANSWER;
  for (const { role, text, name } of messages) {
    tokens += TOKENS_PER_MESSAGE + (await countTokens(role)) + (await countTokens(text));
    if (name !== undefined) tokens += TOKENS_PER_NAME + (await countTokens(name));
  }
  return tokens;
}

/** The text in slices, cut where a token ends anyway, which is before a space that follows something else, or, without one, anywhere. */
export function* slicesOf(text: string): Generator<string> {
  let start = 0;
  let runStart = 0;
  let runKind = -1;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    const kind = kindOf(code);
    const isLongRun = kind === runKind && index - runStart >= RUN_CHARACTERS_MAX;
    const endsToken = code === 0x20 && kind !== runKind && index - start >= SLICE_CHARACTERS;
    const mustCut = isLongRun || index - start >= SLICE_CHARACTERS_MAX;
    if ((mustCut && !isLowSurrogate(code)) || (endsToken && !SPACE.test(text.charAt(index - 1)))) {
      yield text.slice(start, index);
      start = index;
      runStart = index;
    }
    if (kind !== runKind) {
      runKind = kind;
      runStart = index;
    }
  }
  if (start < text.length) yield text.slice(start);
}

/** 0: white space, 1: everything else: a run is a stretch of one of them. */
function kindOf(code: number): 0 | 1 {
  return code <= 0x20 || code === 0xa0 || code === 0x3000 || (code >= 0x2000 && code <= 0x200a) ? 0 : 1;
}

function isLowSurrogate(code: number): boolean {
  return code >= 0xdc00 && code <= 0xdfff;
}
