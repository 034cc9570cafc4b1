import {
  type CompletionChunk,
  countIn,
  malformed,
  requireNoError,
  SIGN_OF_LIFE,
} from './completion-chunk.ts';
import { isList, isObject, type JsonValue, parseJson } from './json.ts';

/**
 * The vectors of an answer, one a piece, as 32-bit floats. Throws `EndpointError` for what is no list of vectors, and for an error in
 * their place.
 */
export function parseEmbeddings(body: string): CompletionChunk[] {
  const json = parseJson(body);
  if (isObject(json)) requireNoError(json);
  if (!isObject(json) || !isList(json.data)) throw malformed('the endpoint sent no list of vectors');
  const indexes = indexesOf(json.data);
  const chunks = json.data.map((item, place): CompletionChunk => {
    const embedding = floatsOf(isObject(item) ? item.embedding : item);
    return { ...SIGN_OF_LIFE, fields: { embeddings: [{ index: indexes[place] ?? place, embedding }] } };
  });
  const prompt = countIn(json.usage, 'prompt_tokens') ?? countIn(json.usage, 'total_tokens');
  const counts = { cachedPromptTokens: 0, completionTokens: 0, reasoningTokens: 0 };
  const usage = prompt === null ? null : { promptTokens: prompt, ...counts };
  return [...chunks, { ...SIGN_OF_LIFE, finishReason: 'stop', usage }];
}

/** Which text each vector is of: what they say where each of them is said once, else their order. */
function indexesOf(items: readonly JsonValue[]): readonly number[] {
  const told = items.map((item) => (isObject(item) ? Number(item.index ?? Number.NaN) : Number.NaN));
  const isEach =
    new Set(told).size === items.length && told.every((index) => index >= 0 && index < items.length);
  return isEach ? told : items.map((_, place) => place);
}

/** The numbers of a vector as 32-bit floats, little-endian, in base64, as they come from some endpoints already. */
function floatsOf(embedding: JsonValue | undefined): string {
  if (typeof embedding === 'string') {
    const isFloats =
      /^[A-Za-z0-9+/]+={0,2}$/.test(embedding) && Buffer.from(embedding, 'base64').length % 4 === 0;
    if (isFloats) return embedding;
  } else if (isList(embedding) && embedding.length === 1 && isList(embedding[0])) {
    return floatsOf(embedding[0]);
  } else if (isList(embedding) && embedding.every((number) => typeof number === 'number')) {
    const bytes = Buffer.alloc(embedding.length * 4);
    for (const [place, number] of embedding.entries()) bytes.writeFloatLE(number, place * 4);
    return bytes.toString('base64');
  }
  throw malformed('the endpoint sent a vector that is none');
}
