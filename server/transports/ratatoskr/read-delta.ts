import { type CompletionDelta, DELTA_OVERHEAD_BYTES, deltaText } from '../../domains/providers/index.ts';
import { AppError } from '../../kernel/errors.ts';
import type { JsonObject, JsonValue } from '../../kernel/json.ts';
import { jsonShapeOf } from '../../kernel/json-shape.ts';
import { BYTES_PER_PART_MIN, DELTA_DEPTH_MAX, DELTA_PARTS_FREE } from './limits.ts';

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * A piece of an answer from its JSON. Refuses with `provider_answer_malformed` what is no JSON object, one that is deeper than
 * `DELTA_DEPTH_MAX`, and one that would be many times larger in memory than on the line.
 */
export function readDelta(bytes: Uint8Array): CompletionDelta {
  const { levels, parts } = jsonShapeOf(bytes);
  if (levels > DELTA_DEPTH_MAX || parts > DELTA_PARTS_FREE + bytes.length / BYTES_PER_PART_MIN)
    throw malformed();
  const fields = parse(bytes);
  if (!isObject(fields)) throw malformed();
  return { fields, text: deltaText(fields), bytes: bytes.length + DELTA_OVERHEAD_BYTES };
}

function parse(bytes: Uint8Array): JsonValue {
  try {
    return JSON.parse(decoder.decode(bytes)) as JsonValue;
  } catch (error) {
    throw malformed(error);
  }
}

function isObject(value: JsonValue): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function malformed(cause?: unknown): AppError {
  return new AppError('invalid', 'provider_answer_malformed', 'The delta is not a JSON object.', { cause });
}
