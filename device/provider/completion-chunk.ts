import { EndpointError } from './endpoint-error.ts';
import { isList, isObject, type JsonObject, type JsonValue, parseJson } from './json.ts';
import {
  DELTA_LEVELS_MAX,
  FINISH_REASON_CHARACTERS_MAX,
  JOINED_CHARACTERS_MAX,
  NOT_IN_FINISH_REASON,
} from './limits.ts';

/** What an endpoint counted. */
export interface TokenUsage {
  readonly promptTokens: number;
  readonly cachedPromptTokens: number;
  readonly completionTokens: number;
  readonly reasoningTokens: number;
}

/** A piece of an answer. One that says nothing is a sign of life. */
export interface CompletionChunk {
  /** What `ComputeDelta.fields` has: `choices[0].delta`, without what says nothing, and what is beside it. */
  readonly fields: JsonObject;
  /** Of the first choice. */
  readonly finishReason: string | null;
  /** Choices that ended, by their index. */
  readonly ended: readonly number[];
  readonly usage: TokenUsage | null;
}

/** The endpoint sent something that isn't the answer yet. */
export const SIGN_OF_LIFE: CompletionChunk = { fields: {}, finishReason: null, ended: [], usage: null };

/** The data of one event. Throws `EndpointError` for what is no chunk, and for an error inside the stream. */
function parseCompletionChunk(data: string): CompletionChunk {
  return readCompletion(data, 'delta');
}

/**
 * The chunks of events that came together, text behind text as one: each chunk is a message to the server, and work for it.
 * Throws as `parseCompletionChunk` does, after everything before.
 */
export function* parseChunks(events: readonly string[]): Generator<CompletionChunk> {
  let text = '';
  for (const data of events) {
    let chunk: CompletionChunk;
    try {
      chunk = parseCompletionChunk(data);
    } catch (error) {
      if (text !== '') yield textChunk(text);
      throw error;
    }
    const more = textAlone(chunk);
    if (more !== null && text.length + more.length <= JOINED_CHARACTERS_MAX) text += more;
    else if (more !== null) {
      if (text !== '') yield textChunk(text);
      text = more;
    } else {
      if (text !== '') yield textChunk(text);
      text = '';
      yield chunk;
    }
  }
  if (text !== '') yield textChunk(text);
}

const textChunk = (content: string): CompletionChunk => ({ ...SIGN_OF_LIFE, fields: { content } });

/** The text of a chunk that says nothing else; else null. */
function textAlone({ fields, ended, usage }: CompletionChunk): string | null {
  const { content, ...others } = fields;
  const isAlone = typeof content === 'string' && ended.length === 0 && usage === null;
  return isAlone && Object.keys(others).length === 0 ? content : null;
}

/** An answer in one piece, from endpoints that don't stream. Throws `EndpointError` as `parseCompletionChunk` does. */
export function parseCompletion(body: string): CompletionChunk {
  const completion = readCompletion(body, 'message');
  // It is whole, whatever it calls its end.
  return { ...completion, finishReason: completion.finishReason ?? 'stop' };
}

/** Vectors, one a piece, as 32-bit floats. Throws `EndpointError` for what is no list of vectors. */
export function parseEmbeddings(body: string): CompletionChunk[] {
  const json = parseJson(body);
  if (!isObject(json) || !isList(json.data)) throw malformed('the endpoint sent no list of vectors');
  const chunks = json.data.map((item, place): CompletionChunk => {
    if (!isObject(item)) throw malformed('the endpoint sent a vector that is none');
    const index = typeof item.index === 'number' ? item.index : place;
    return { ...SIGN_OF_LIFE, fields: { embeddings: [{ index, embedding: floatsOf(item.embedding) }] } };
  });
  const prompt = countIn(json.usage, 'prompt_tokens') ?? countIn(json.usage, 'total_tokens');
  const counts = { cachedPromptTokens: 0, completionTokens: 0, reasoningTokens: 0 };
  const usage = prompt === null ? null : { promptTokens: prompt, ...counts };
  return [...chunks, { ...SIGN_OF_LIFE, finishReason: 'stop', usage }];
}

/** The numbers of a vector as 32-bit floats, little-endian, in base64, as they come from some endpoints already. */
function floatsOf(embedding: JsonValue | undefined): string {
  if (typeof embedding === 'string') {
    const isFloats =
      /^[A-Za-z0-9+/]+={0,2}$/.test(embedding) && Buffer.from(embedding, 'base64').length % 4 === 0;
    if (isFloats) return embedding;
  } else if (isList(embedding) && embedding.every((number) => typeof number === 'number')) {
    const bytes = Buffer.alloc(embedding.length * 4);
    for (const [place, number] of embedding.entries()) bytes.writeFloatLE(number, place * 4);
    return bytes.toString('base64');
  }
  throw malformed('the endpoint sent a vector that is none');
}

function readCompletion(text: string, part: 'delta' | 'message'): CompletionChunk {
  const json = parseJson(text);
  if (json === undefined) throw malformed('the endpoint sent something that is not JSON');
  if (!isObject(json)) throw malformed('the endpoint sent something that is not a completion');
  if (isObject(json.error) || (typeof json.error === 'string' && json.error !== '')) {
    throw new EndpointError('provider', 'the endpoint reported an error in its answer');
  }
  const { choices, usage } = json;
  if (choices != null && !isList(choices))
    throw malformed('the endpoint sent something that is not a completion');
  const all = (choices ?? []).filter(isObject);
  const choice = all.find((one) => (one.index ?? 0) === 0);
  if (part === 'message' && choice === undefined) throw malformed('the endpoint sent no choice');
  const others = all.filter((one) => isIndex(one.index) && one.index > 0);
  const first = choice === undefined ? {} : saidIn(choice, part);
  const finishReason = finishReasonOf(choice?.finish_reason);
  return {
    fields: others.length === 0 ? first : { ...first, choices: others.map((one) => otherChoice(one, part)) },
    finishReason,
    ended: [
      ...(finishReason === null ? [] : [0]),
      ...others.filter((one) => finishReasonOf(one.finish_reason) !== null).map(({ index }) => Number(index)),
    ],
    usage: usageOf(usage),
  };
}

/** What a choice says: its delta, or its text, and how likely that was. */
function saidIn(choice: JsonObject, part: 'delta' | 'message'): JsonObject {
  const { text, logprobs } = choice;
  const said = choice[part] ?? (typeof text === 'string' ? { content: text } : undefined);
  if (
    isDeeperThan(said, DELTA_LEVELS_MAX - OTHER_CHOICES_LEVELS) ||
    isDeeperThan(logprobs, LOGPROBS_LEVELS_MAX)
  )
    throw malformed('the endpoint sent something nested without end');
  return { ...(isObject(said) ? plainDelta(said) : {}), ...(isObject(logprobs) ? { logprobs } : {}) };
}

function otherChoice(choice: JsonObject, part: 'delta' | 'message'): JsonObject {
  const finishReason = finishReasonOf(choice.finish_reason);
  const ended = finishReason === null ? {} : { finish_reason: finishReason };
  return { index: choice.index as number, delta: saidIn(choice, part), ...ended };
}

/** Levels that the choices behind the first have around their deltas. */
const OTHER_CHOICES_LEVELS = 3;
const LOGPROBS_LEVELS_MAX = 8;
/** Names that a delta has beside what the endpoint says. */
const RESERVED: ReadonlySet<string> = new Set(['logprobs', 'choices', 'embeddings']);

function isIndex(value: JsonValue | undefined): value is number {
  return typeof value === 'number' && Number.isInteger(value);
}

/** A delta without its role, without what says nothing, and with its content as text. */
function plainDelta({ role: _, content, ...others }: JsonObject): JsonObject {
  const text = isList(content) ? partsOf(content, 'text') : content;
  const thought = isList(content) ? partsOf(content, 'thinking') : '';
  const fields = {
    ...(thought === '' ? {} : { reasoning_content: thought }),
    ...others,
    content: text ?? null,
  };
  return Object.fromEntries(
    Object.entries(fields).filter(([name, value]) => !RESERVED.has(name) && !saysNothing(value)),
  );
}

function isDeeperThan(value: JsonValue | undefined, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((inner: JsonValue) => isDeeperThan(inner, levels - 1));
}

/** The text of all parts of a content that are of this type. */
function partsOf(content: readonly JsonValue[], type: 'text' | 'thinking'): string {
  return content
    .map((part) => {
      if (typeof part === 'string') return type === 'text' ? part : '';
      if (!isObject(part) || (part.type ?? 'text') !== type) return '';
      const inner = part[type];
      if (typeof inner === 'string') return inner;
      return isList(inner) ? partsOf(inner, 'text') : '';
    })
    .join('');
}

function saysNothing(value: JsonValue): boolean {
  return value === null || value === '' || (isList(value) && value.length === 0);
}

/** Some endpoints write that there is no reason yet as text. */
function finishReasonOf(value: JsonValue | undefined): string | null {
  if (typeof value !== 'string' || value === '' || value === 'null') return null;
  const reason = value.slice(0, FINISH_REASON_CHARACTERS_MAX).replace(NOT_IN_FINISH_REASON, ' ').trim();
  return reason === '' ? null : reason;
}

/** Null unless both counts are there: the server has its own. */
function usageOf(usage: JsonValue | undefined): TokenUsage | null {
  if (!isObject(usage)) return null;
  const promptTokens = countIn(usage, 'prompt_tokens');
  const completionTokens = countIn(usage, 'completion_tokens');
  if (promptTokens === null || completionTokens === null) return null;
  const cached = countIn(usage.prompt_tokens_details, 'cached_tokens') ?? 0;
  const reasoning = countIn(usage.completion_tokens_details, 'reasoning_tokens') ?? 0;
  return {
    promptTokens,
    completionTokens,
    cachedPromptTokens: Math.min(cached, promptTokens),
    reasoningTokens: Math.min(reasoning, completionTokens),
  };
}

/** A count that a 32-bit field holds; null for anything else. */
function countIn(counts: JsonValue | undefined, name: string): number | null {
  const count = isObject(counts) ? counts[name] : undefined;
  return typeof count === 'number' && Number.isInteger(count) && count >= 0 && count < 2 ** 31 ? count : null;
}

function malformed(message: string): EndpointError {
  return new EndpointError('malformed', message);
}
