/**
 * A thread that counts with tokenizers of models, as their files say. What such a file may do here is bounded by whoever started the
 * thread: it ends it when it takes too long or too much memory.
 */
import { parentPort } from 'node:worker_threads';
import { Tokenizer } from '@huggingface/tokenizers';
import { EXAMINED_CHARACTERS, EXAMINED_TEXT_MS_MAX, LOADED_BYTES_MAX } from './limits.ts';
import type { Examination, ModelWorkerAnswer, ModelWorkerQuestion } from './model-messages.ts';

/** Counts the tokens of a text. */
type Count = (text: string) => number;

const loaded = new Map<string, { readonly count: Count; readonly bytes: number }>();

/** Kinds of tokenizers that the library carries out as the models' own programs do. */
const KINDS: ReadonlySet<unknown> = new Set(['BPE', 'Unigram', 'WordPiece']);

/** Units of texts that are hard for one tokenizer or another: long runs without an end of a word. */
const HARD_UNITS = ['a', ' ', '漢', '7', '\n', '!', 'é', 'ab', '\t ', 'a1!é ', '\u0301', '🙂'];

/** A part of a tokenizer's file. */
interface Step {
  readonly type?: unknown;
  readonly use_regex?: boolean;
  readonly add_prefix_space?: boolean;
  readonly pretokenizers?: readonly Step[];
}

/** How GPT-2's tokenizer, and byte-level ones in general, cut words. */
const BYTE_LEVEL_WORDS = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";

/**
 * The same step with the pattern as one of its own: the library takes the pattern of a step of bytes in JavaScript's sense, where a
 * byte order mark is white space, and translates those of others.
 */
function withOwnPattern(step: Step | null): Step | null {
  if (step?.type === 'Sequence') {
    const pretokenizers = (step.pretokenizers ?? []).flatMap((one) => withOwnPattern(one) ?? []);
    return { ...step, pretokenizers };
  }
  if (step?.type !== 'ByteLevel' || step.use_regex === false || step.add_prefix_space === true) return step;
  const words = { type: 'Split', pattern: { Regex: BYTE_LEVEL_WORDS }, behavior: 'Isolated', invert: false };
  return { type: 'Sequence', pretokenizers: [words, { ...step, use_regex: false }] };
}

/** Throws where the content is no tokenizer that can be read. */
function countWith(content: Uint8Array): Count {
  const file = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(content));
  if (!KINDS.has(file.model.type)) throw new Error('it is of no kind that is known');
  // In a text what looks like a control token is text.
  const added = (file.added_tokens ?? []).filter(({ special }: { special?: boolean }) => special !== true);
  const tokenizer = new Tokenizer(
    {
      normalizer: null,
      post_processor: null,
      decoder: null,
      ...file,
      pre_tokenizer: withOwnPattern(file.pre_tokenizer ?? null),
      added_tokens: added,
    },
    {},
  );
  return (text) => tokenizer.tokenize(text, { add_special_tokens: false }).length;
}

function examine(content: Uint8Array, sample: string): Examination {
  let count: Count;
  try {
    count = countWith(content);
    if (!(count('Hello') > 0)) return { kind: 'unreadable' };
  } catch {
    return { kind: 'unreadable' };
  }
  for (const unit of HARD_UNITS) {
    const text = unit.repeat(Math.ceil(EXAMINED_CHARACTERS / unit.length));
    const startedMs = performance.now();
    try {
      count(text);
    } catch {
      return { kind: 'unreadable' };
    }
    if (performance.now() - startedMs > EXAMINED_TEXT_MS_MAX) return { kind: 'slow' };
  }
  try {
    return { kind: 'good', sampleTokens: count(sample) };
  } catch {
    return { kind: 'unreadable' };
  }
}

function load(hash: string, content: Uint8Array): void {
  loaded.set(hash, { count: countWith(content), bytes: content.length });
  let bytes = [...loaded.values()].reduce((sum, one) => sum + one.bytes, 0);
  for (const [other, { bytes: freed }] of loaded) {
    if (bytes <= LOADED_BYTES_MAX || other === hash) break;
    loaded.delete(other);
    bytes -= freed;
  }
}

function answerTo(question: ModelWorkerQuestion): ModelWorkerAnswer {
  if (question.kind === 'examine')
    return { kind: 'examined', examination: examine(question.content, question.sample) };
  const { hash, portions, content } = question;
  try {
    if (content !== null) load(hash, content);
    const tokenizer = loaded.get(hash);
    if (tokenizer === undefined) return { kind: 'missing' };
    loaded.delete(hash);
    loaded.set(hash, tokenizer);
    // A token stands for a byte at least, but for one that some put in front: a file that makes more of a text counts what nobody asked.
    const tokensOf = (slices: readonly string[]) =>
      slices.reduce(
        (tokens, slice) => tokens + Math.min(tokenizer.count(slice), Buffer.byteLength(slice) + 1),
        0,
      );
    return { kind: 'counted', tokens: portions.map(tokensOf) };
  } catch (error) {
    return { kind: 'failed', reason: String(error) };
  }
}

parentPort?.on('message', (question: ModelWorkerQuestion) => parentPort?.postMessage(answerTo(question)));
