import { FairQueue } from '../../kernel/fair-queue.ts';
import type { TenantId } from '../../kernel/ids.ts';
import {
  LONG_SLICE_CHARACTERS_MAX,
  PORTION_CHARACTERS,
  RUN_CHARACTERS_MAX,
  SLICE_CHARACTERS,
  SLICE_CHARACTERS_MAX,
} from './limits.ts';
import type { Tokenizer } from './ports.ts';

/** What counts towards a prompt in one message. */
export interface CountedMessage {
  readonly role: string;
  readonly text: string;
  readonly name?: string | undefined;
}

/** Counts the tokens of text in turn by tenant, a portion at a time: who sends a long one makes itself wait. */
export interface PlainTokenCounter {
  /**
   * Tokens of `text`. Takes time proportional to the length whatever the text is. Exact for text whose unbroken
   * runs are no longer than a slice and that has a space in every 4,096 characters; each further piece of a longer run or stretch
   * may add a token. Rejects with `unavailable` when the tokenizer ended.
   */
  countText(tenantId: TenantId, text: string): Promise<number>;
  /**
   * Tokens of a conversation that is to be continued, with OpenAI's overhead for each message. Where they are more than
   * `tokensMax` counting may stop at any number above it. Rejects as `countText`.
   */
  countPrompt(tenantId: TenantId, messages: readonly CountedMessage[], tokensMax: number): Promise<number>;
}

// OpenAI's own recipe ("How to count tokens with tiktoken", gpt-4o): each message costs 3 tokens beside its role and
// content, a name one more, and every answer is primed with 3.
const TOKENS_PER_MESSAGE = 3;
const TOKENS_PER_NAME = 1;
const TOKENS_PER_ANSWER = 3;

/** What the tokenizer's pattern takes for white space. */
const SPACE = /\s/;

interface Job {
  readonly tenantId: TenantId;
  readonly slices: Iterator<string>;
  tokens: number;
  /** Counting stops when there are more. */
  readonly tokensMax: number;
  readonly resolve: (tokens: number) => void;
  readonly reject: (error: unknown) => void;
}

/** What is counted of a text in one call. */
interface Portion {
  readonly job: Job;
  readonly slices: readonly string[];
  readonly isLast: boolean;
}

/** Makes the counter of a process. What may wait is bounded where it comes from: by the requests an account may have running. */
export function createTokenCounter(
  { tokenizer }: { readonly tokenizer: Tokenizer },
  slices: (text: string) => Generator<string> = slicesOf,
): PlainTokenCounter {
  const waiting = new FairQueue<TenantId, Job>({
    itemsMax: Number.MAX_SAFE_INTEGER,
    bytesMax: Number.MAX_SAFE_INTEGER,
  });
  let isCounting = false;

  /** Short texts are counted together: a call costs more than they do. */
  const takeBatch = (): Portion[] => {
    const batch: Portion[] = [];
    for (let characters = PORTION_CHARACTERS; characters > 0 && waiting.size > 0; ) {
      const job = waiting.take() as Job;
      const portion = takePortion(job, characters);
      batch.push(portion);
      characters -= portion.slices.reduce((sum, { length }) => sum + length, 0);
    }
    return batch;
  };
  const countBatch = async (batch: readonly Portion[]): Promise<void> => {
    try {
      const counts = await tokenizer.countTokens(batch.map(({ slices }) => slices));
      batch.forEach(({ job, isLast }, index) => {
        job.tokens += counts[index] ?? 0;
        if (isLast || job.tokens > job.tokensMax) job.resolve(job.tokens);
        else waiting.push(job.tenantId, job);
      });
    } catch (error) {
      // Nobody's text is refused for another's.
      if (batch.length > 1) for (const portion of batch) await countBatch([portion]);
      else batch[0]?.job.reject(error);
    }
  };
  const countWaiting = async () => {
    isCounting = true;
    while (waiting.size > 0) await countBatch(takeBatch());
    isCounting = false;
  };
  const count = (tenantId: TenantId, texts: readonly string[], tokensMax: number) =>
    new Promise<number>((resolve, reject) => {
      waiting.push(tenantId, {
        tenantId,
        slices: slicesOfAll(texts, slices),
        tokens: 0,
        tokensMax,
        resolve,
        reject,
      });
      if (!isCounting) void countWaiting();
    });

  return {
    countText: (tenantId, text) => count(tenantId, [text], Number.POSITIVE_INFINITY),
    async countPrompt(tenantId, messages, tokensMax) {
      const names = messages.map(({ name }) => name).filter((name) => name !== undefined);
      const texts = messages.flatMap(({ role, text }) => [role, text]);
      const overhead =
        TOKENS_PER_ANSWER + TOKENS_PER_MESSAGE * messages.length + TOKENS_PER_NAME * names.length;
      return overhead + (await count(tenantId, [...texts, ...names], tokensMax - overhead));
    },
  };
}

function* slicesOfAll(
  texts: readonly string[],
  slices: (text: string) => Generator<string>,
): Generator<string> {
  for (const text of texts) yield* slices(text);
}

/** The next slices of a text, of some `charactersMax`. */
function takePortion(job: Job, charactersMax: number): Portion {
  const slices: string[] = [];
  let characters = 0;
  while (characters < charactersMax) {
    const { value, done } = job.slices.next();
    if (done) return { job, slices, isLast: true };
    slices.push(value);
    characters += value.length;
  }
  return { job, slices, isLast: false };
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

/**
 * The text in slices for tokenizers whose time doesn't grow with the square of a run: cut where a token ends anyway, before a space
 * that follows something else and behind an end of a line between other characters, or, without one, anywhere.
 */
export function* longSlicesOf(text: string): Generator<string> {
  let start = 0;
  for (let index = SLICE_CHARACTERS; index < text.length; index++) {
    if (index - start < SLICE_CHARACTERS) continue;
    const code = text.charCodeAt(index);
    const before = text.charAt(index - 1);
    const isBehindLine = before === '\n' && !SPACE.test(text.charAt(index - 2) + text.charAt(index));
    const endsToken = code === 0x20 ? !SPACE.test(before) : isBehindLine;
    const mustCut = index - start >= LONG_SLICE_CHARACTERS_MAX && !isLowSurrogate(code);
    if (!endsToken && !mustCut) continue;
    yield text.slice(start, index);
    start = index;
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
