import { isList, isObject, type JsonObject, type JsonValue } from './json.ts';

/** Texts that are given once, whole: whoever puts deltas together doesn't lengthen them. */
const WHOLE_TEXTS: ReadonlySet<string> = new Set(['role', 'type', 'id']);

const encoder = new TextEncoder();

/** Bytes of a value as JSON in UTF-8. */
export function encodeJson(value: JsonValue): Uint8Array {
  return encoder.encode(JSON.stringify(value));
}

/**
 * A delta as one or several of at most `bytesMax` bytes each, which make the same when they are put together as OpenAI's
 * clients do: texts are joined, lists too, and items with an `index` are merged. What can't be cut stays as large as it is.
 */
export function splitDelta(fields: JsonObject, bytesMax: number): JsonObject[] {
  return [...split(fields, (part) => part as JsonObject, bytesMax)];
}

/** Pieces of `value`; `wrap` puts a piece where the value was. */
function* split(
  value: JsonValue,
  wrap: (piece: JsonValue) => JsonObject,
  bytesMax: number,
): Generator<JsonObject> {
  const whole = wrap(value);
  if (encodeJson(whole).length <= bytesMax || isEmpty(value)) yield whole;
  else if (typeof value === 'string') {
    const overhead = encodeJson(wrap('')).length;
    for (const piece of cutText(value, bytesMax - overhead)) yield wrap(piece);
  } else if (isList(value)) {
    for (const item of value) yield* splitItem(item, (piece) => wrap([piece]), bytesMax);
  } else if (isObject(value)) {
    for (const [key, inner] of Object.entries(value)) {
      const wrapInner = (piece: JsonValue) => wrap({ [key]: piece });
      if (typeof inner === 'string' && WHOLE_TEXTS.has(key)) yield wrapInner(inner);
      else yield* split(inner, wrapInner, bytesMax);
    }
  } else yield whole;
}

function isEmpty(value: JsonValue): boolean {
  return value === '' || (typeof value === 'object' && value !== null && Object.keys(value).length === 0);
}

/** Only an item with an `index` can be put together again. */
function* splitItem(
  item: JsonValue,
  wrap: (piece: JsonValue) => JsonObject,
  bytesMax: number,
): Generator<JsonObject> {
  if (!isObject(item) || typeof item.index !== 'number') {
    yield wrap(item);
    return;
  }
  const { index, ...others } = item;
  yield* split(others, (piece) => wrap({ index, ...(piece as JsonObject) }), bytesMax);
}

/** The text in pieces of at most `bytesMax` bytes as JSON, never cut inside a character; at least one character each. */
function* cutText(text: string, bytesMax: number): Generator<string> {
  let start = 0;
  let bytes = 0;
  let position = 0;
  for (const character of text) {
    const size = jsonBytesOf(character);
    if (bytes + size > bytesMax && position > start) {
      yield text.slice(start, position);
      start = position;
      bytes = 0;
    }
    bytes += size;
    position += character.length;
  }
  if (position > start) yield text.slice(start);
}

/** Bytes of one character inside a JSON string. */
function jsonBytesOf(character: string): number {
  const code = character.codePointAt(0) as number;
  if (code >= 0x80 && (code < 0xd800 || code > 0xdfff)) return code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  // Quotes, backslashes, control characters and halves of characters are escaped.
  return JSON.stringify(character).length - 2;
}
