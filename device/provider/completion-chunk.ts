import { EndpointError, errorInAnswer } from './endpoint-error.ts';
import { readFinishReason } from './finish-reason.ts';
import { isList, isObject, type JsonObject, type JsonValue, parseJson } from './json.ts';
import { DELTA_LEVELS_MAX, JOINED_CHARACTERS_MAX } from './limits.ts';
import { plainDelta } from './plain-delta.ts';

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
export function parseCompletion(body: string, choices: number): CompletionChunk {
  const completion = readCompletion(body, 'message', choices);
  // It is whole, whatever it calls its end.
  return { ...completion, finishReason: completion.finishReason ?? 'stop' };
}

function readCompletion(text: string, part: AnswerPart, choices = 1): CompletionChunk {
  const json = parseJson(text);
  if (json === undefined) throw malformed('the endpoint sent something that is not JSON');
  if (json === null) return SIGN_OF_LIFE;
  if (!isObject(json)) throw malformed('the endpoint sent something that is not a completion');
  requireNoError(json);
  if (json.choices != null && !isList(json.choices))
    throw malformed('the endpoint sent something that is not a completion');
  const all = (json.choices ?? []).filter(isObject);
  for (const choice of all) requireNoError(choice);
  // Who is asked for one answer and gives one, whole, means that, however it is numbered.
  const isAlone = part === 'message' && choices === 1 && all.length === 1;
  const choice = isAlone ? all[0] : all.find(({ index }) => Number(index ?? 0) === 0);
  if (part === 'message' && choice === undefined) throw malformed('the endpoint sent no choice');
  const others = isAlone
    ? []
    : all.filter(({ index }) => Number.isInteger(Number(index)) && Number(index) > 0);
  const first = choice === undefined ? {} : saidIn(choice, part);
  const finishReason = readFinishReason(choice?.finish_reason);
  return {
    fields: others.length === 0 ? first : { ...first, choices: others.map((one) => otherChoice(one, part)) },
    finishReason,
    ended: [
      ...(finishReason === null ? [] : [0]),
      ...others
        .filter((one) => readFinishReason(one.finish_reason) !== null)
        .map(({ index }) => Number(index)),
    ],
    usage: usageOf(json.usage),
  };
}

/** Where an answer's words stand: in a piece of a stream, or in a whole answer. Some mistake one for the other. */
type AnswerPart = 'delta' | 'message';

/** Throws `EndpointError` where a chunk, a choice or a list of vectors has an error in it. */
export function requireNoError({ error }: JsonObject): void {
  const isError = isObject(error) ? Object.keys(error).length > 0 : typeof error === 'string' && error !== '';
  if (isError) throw errorInAnswer(error as JsonValue);
}

/** What a choice says: its delta, or its text, and how likely that was. */
function saidIn(choice: JsonObject, part: AnswerPart): JsonObject {
  const { text, logprobs, delta, message } = choice;
  const asText = typeof text === 'string' || isList(text) ? { content: text } : undefined;
  const said = (part === 'delta' ? (delta ?? message) : (message ?? delta)) ?? asText;
  if (
    isDeeperThan(said, DELTA_LEVELS_MAX - OTHER_CHOICES_LEVELS) ||
    isDeeperThan(logprobs, LOGPROBS_LEVELS_MAX)
  )
    throw malformed('the endpoint sent something nested without end');
  return { ...(isObject(said) ? plainDelta(said) : {}), ...(isObject(logprobs) ? { logprobs } : {}) };
}

function otherChoice(choice: JsonObject, part: AnswerPart): JsonObject {
  const finishReason = readFinishReason(choice.finish_reason);
  const ended = finishReason === null ? {} : { finish_reason: finishReason };
  return { index: Number(choice.index), delta: saidIn(choice, part), ...ended };
}

/** Levels that the choices behind the first have around their deltas. */
const OTHER_CHOICES_LEVELS = 3;
const LOGPROBS_LEVELS_MAX = 8;
function isDeeperThan(value: JsonValue | undefined, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((inner: JsonValue) => isDeeperThan(inner, levels - 1));
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
export function countIn(counts: JsonValue | undefined, name: string): number | null {
  const count = isObject(counts) ? counts[name] : undefined;
  return typeof count === 'number' && Number.isInteger(count) && count >= 0 && count < 2 ** 31 ? count : null;
}

/** What an endpoint sent is no answer. */
export function malformed(message: string): EndpointError {
  return new EndpointError('malformed', message);
}
