import { isList, isObject, type JsonObject, type JsonValue, parseJson } from './json.ts';
import { REASON_CHARACTERS_MAX } from './limits.ts';

/** What an endpoint says about an error. */
export interface ErrorFields {
  /** For people, on one line; empty where it says nothing. */
  readonly reason: string;
  /** The field of the request that it names. */
  readonly param: string | null;
  /** A name, or a status as text. */
  readonly code: string;
  readonly type: string;
  /** True where it was the content of the request that was refused (OpenRouter's moderation). */
  readonly isFlagged: boolean;
}

/** The error in the body of an answer with an error status; its text where that is no JSON, and no web page. */
export function parseErrorBody(body: string): JsonValue {
  const json = parseJson(body);
  if (json === undefined) return body.includes('<') ? '' : body;
  // Google gives a list of one.
  const one = isList(json) ? json[0] : json;
  return isObject(one) ? (one.error ?? one) : (one ?? '');
}

/** OpenAI's `{message, param, code, type}`, and what others make of it. */
export function readErrorFields(error: JsonValue): ErrorFields {
  const fields: JsonObject = isObject(error) ? error : {};
  const { metadata } = fields;
  return {
    reason: reasonIn(error, REASON_LEVELS_MAX).replace(/\s+/g, ' ').trim(),
    param: typeof fields.param === 'string' ? fields.param.slice(0, REASON_CHARACTERS_MAX) : null,
    code: typeof fields.code === 'string' || typeof fields.code === 'number' ? String(fields.code) : '',
    type: typeof fields.type === 'string' ? fields.type : '',
    isFlagged: isObject(metadata) && ('flagged_input' in metadata || isList(metadata.reasons)),
  };
}

/** Levels down to which a reason is looked for. */
const REASON_LEVELS_MAX = 4;
/** Where a reason stands: OpenAI, FastAPI (a text, or a list of problems), Cohere, and those that wrap another's error. */
const REASON_NAMES = ['message', 'detail', 'error', 'errors'] as const;

function reasonIn(error: JsonValue | undefined, levels: number): string {
  if (typeof error === 'string') return error;
  if (levels === 0) return '';
  if (isList(error))
    return reasonIn(error[0], levels - 1) || (error.length === 0 ? '' : JSON.stringify(error));
  if (!isObject(error)) return '';
  for (const name of REASON_NAMES) {
    const reason = reasonIn(error[name], levels - 1);
    if (reason !== '') return reason;
  }
  return '';
}
