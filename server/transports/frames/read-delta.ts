import { type CompletionDelta, deltaText } from '../../domains/providers/index.ts';
import { AppError } from '../../kernel/errors.ts';
import type { JsonObject, JsonValue } from '../../kernel/json.ts';
import { DELTA_DEPTH_MAX } from './limits.ts';

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * A piece of an answer from its JSON. Refuses with `frame_payload_malformed` what is no JSON object, or one that is deeper than
 * `DELTA_DEPTH_MAX`.
 */
export function readDelta(bytes: Uint8Array): CompletionDelta {
  const fields = parse(bytes);
  if (!isObject(fields) || isDeeperThan(fields, DELTA_DEPTH_MAX)) throw malformed();
  return { fields, text: deltaText(fields), bytes: bytes.length };
}

function parse(bytes: Uint8Array): JsonValue {
  try {
    return JSON.parse(decoder.decode(bytes)) as JsonValue;
  } catch (error) {
    throw malformed(error);
  }
}

function isDeeperThan(value: JsonValue, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((inner: JsonValue) => isDeeperThan(inner, levels - 1));
}

function isObject(value: JsonValue): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function malformed(cause?: unknown): AppError {
  return new AppError('invalid', 'frame_payload_malformed', 'The delta is not a JSON object.', { cause });
}
