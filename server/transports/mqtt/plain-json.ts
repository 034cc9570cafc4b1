import { AppError, invalidInput } from '../../kernel/errors.ts';
import type { JsonObject, JsonValue } from '../../kernel/json.ts';
import { jsonShapeOf } from '../../kernel/json-shape.ts';
import { PLAIN_LEVELS_MAX, PLAIN_PAYLOAD_BYTES_MAX } from './limits.ts';

/**
 * What a plain device published, as JSON. Refuses with `too_large`, with `malformed_json` what is no JSON in UTF-8, and with
 * `invalid_input` what is too deep, or has a number that no double holds.
 */
export function readJson(payload: Uint8Array): JsonValue {
  if (payload.length > PLAIN_PAYLOAD_BYTES_MAX) {
    throw new AppError(
      'too_large',
      'too_large',
      `The payload has more than ${PLAIN_PAYLOAD_BYTES_MAX} bytes.`,
    );
  }
  // Before it is read: deep JSON exhausts the stack.
  if (jsonShapeOf(payload).levels > PLAIN_LEVELS_MAX) {
    throw invalidInput(`The payload has more than ${PLAIN_LEVELS_MAX} objects or lists inside each other.`);
  }
  const value = parse(payload);
  checkNumbers(value);
  return value;
}

/** The value as an object. Refuses all others with `invalid_input`. */
export function requireObject(value: JsonValue, what: string): JsonObject {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as JsonObject;
  throw invalidInput(`${what} must be a JSON object.`);
}

/** Refuses with `invalid_input` an object that has other members than these. */
export function requireMembers(object: JsonObject, names: readonly string[], what: string): void {
  const other = Object.keys(object).find((name) => !names.includes(name));
  if (other !== undefined) {
    throw invalidInput(
      `${what} has ${JSON.stringify(other.slice(0, 64))}, which is none of ${names.join(', ')}.`,
    );
  }
}

function parse(payload: Uint8Array): JsonValue {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload)) as JsonValue;
  } catch {
    throw new AppError(
      'invalid',
      'malformed_json',
      'The payload is not JSON. A text stands in quotes: "on".',
    );
  }
}

/** A literal beyond a double is read as infinite. */
function checkNumbers(value: JsonValue): void {
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw invalidInput('A number is beyond what a double holds.');
  } else if (typeof value === 'object' && value !== null) {
    for (const member of Object.values(value)) checkNumbers(member);
  }
}
