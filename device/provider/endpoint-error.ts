import { parseErrorBody, readErrorFields } from './error-fields.ts';
import type { JsonValue } from './json.ts';
import { REASON_CHARACTERS_MAX, RETRY_AFTER_SECONDS_MAX } from './limits.ts';

/** Whose fault a failure is. */
export type Fault = 'provider' | 'requester' | 'busy' | 'model_unknown' | 'stalled' | 'malformed';

/** An endpoint that can't, or won't, answer. The message is for people, on both ends. */
export class EndpointError extends Error {
  readonly fault: Fault;
  /** Its HTTP status; null where it gave none. */
  readonly status: number | null;
  /** The field of the request that it names. */
  readonly param: string | null;
  /** Whole seconds after which one that has no room may be asked again; 0: it doesn't say. */
  readonly retryAfterSeconds: number;

  constructor(
    fault: Fault,
    message: string,
    options: { status?: number; param?: string | null; retryAfterSeconds?: number } = {},
  ) {
    super(message);
    this.name = 'EndpointError';
    this.fault = fault;
    this.status = options.status ?? null;
    this.param = options.param ?? null;
    this.retryAfterSeconds = options.retryAfterSeconds ?? 0;
  }

  /** The same, without what nobody may read, and no longer than what is told. */
  redacted(redact: (text: string) => string): EndpointError {
    const { fault, status, param, retryAfterSeconds } = this;
    // First: half of a secret would be found no more.
    const message = redact(this.message).slice(0, REASON_CHARACTERS_MAX);
    const known = status === null ? {} : { status };
    return new EndpointError(fault, message, { ...known, param, retryAfterSeconds });
  }

  /** True where it doesn't let this provider in, or there is nothing at this address, or it is elsewhere. */
  get isDenial(): boolean {
    return this.isRefusedEntry || this.isElsewhere;
  }

  /** True where it doesn't let this provider in. */
  get isRefusedEntry(): boolean {
    return this.fault === 'provider' && (this.status === 401 || this.status === 403);
  }

  /** True where there is nothing at this address: a redirect is not followed. */
  get isElsewhere(): boolean {
    const { fault, status } = this;
    if (fault === 'requester') return false;
    return status === 404 || (status !== null && status >= 300 && status < 400);
  }
}

/** Statuses with which an endpoint refuses what is asked, not who asks. */
const REQUESTERS_FAULT: ReadonlySet<number> = new Set([400, 413, 415, 422, 451]);
/** Statuses of an endpoint that has no room now, or loads its model; 529 is Anthropic's. */
const BUSY: ReadonlySet<number> = new Set([429, 503, 529]);
/** Codes and types of errors that say more than their status. */
const FAULTS_OF_CODES: ReadonlyMap<string, Fault> = new Map([
  ['model_not_found', 'model_unknown'],
  ['model_decommissioned', 'model_unknown'],
  ['insufficient_quota', 'provider'],
  ['invalid_api_key', 'provider'],
  ['authentication_error', 'provider'],
  ['context_length_exceeded', 'requester'],
  ['exceed_context_size_error', 'requester'],
  ['content_policy_violation', 'requester'],
  ['content_filter', 'requester'],
  ['overloaded_error', 'busy'],
  ['rate_limit_error', 'busy'],
  ['rate_limit_exceeded', 'busy'],
  ['unavailable_error', 'busy'],
]);
/** Types of an error that is the requester's, whichever status it comes with: OpenAI's, vLLM's. */
const INVALID_REQUEST: ReadonlySet<string> = new Set(['invalid_request_error', 'BadRequestError']);
/** Some endpoints refuse a wrong key with 400. Anywhere else in the text it may be the requester's own words. */
const ABOUT_KEY =
  /^(?:please )?(?:(?:incorrect|invalid|missing|wrong|expired|no|the|your|provide an?) )*api[ _-]?key/i;

/** OpenRouter and Ollama have 404 and 400 for a model that is there and can't do what is asked of it, too. */
const ABOUT_FEATURE = /\b(?:that|not|n't) support (?!(?:the|this|that|a) model\b)/i;

/**
 * What an endpoint's answer with an error status means; `retryAfter` is its header Retry-After (RFC 9110 10.2.3), null where it
 * has none. What it says may hold what nobody may read.
 */
export function refusalOf(status: number, body: string, retryAfter: string | null = null): EndpointError {
  const error = errorOf(status, `the endpoint answered status ${status}`, parseErrorBody(body));
  if (error.fault !== 'busy') return error;
  return new EndpointError('busy', error.message, { status, retryAfterSeconds: secondsOf(retryAfter) });
}

/** Seconds, or a date: how long that is from now on, in whole seconds; 0 for anything else, and for what is past. */
function secondsOf(retryAfter: string | null): number {
  if (retryAfter === null) return 0;
  const isNumber = /^\s*[0-9]{1,9}(\.[0-9]{1,9})?\s*$/.test(retryAfter);
  const seconds = isNumber ? Number(retryAfter) : (Date.parse(retryAfter) - Date.now()) / 1000;
  return Number.isFinite(seconds) ? Math.min(Math.max(0, Math.ceil(seconds)), RETRY_AFTER_SECONDS_MAX) : 0;
}

/** What an error inside an answer of status 200 means: its code may be a status. As `refusalOf`. */
export function errorInAnswer(error: JsonValue): EndpointError {
  const { code, type } = readErrorFields(error);
  const told = /^[45][0-9]{2}$/.test(code) ? Number(code) : null;
  const status = told ?? (INVALID_REQUEST.has(type) ? 400 : null);
  return errorOf(status, 'the endpoint reported an error in its answer', error);
}

function errorOf(status: number | null, what: string, error: JsonValue): EndpointError {
  const { reason, param, ...rest } = readErrorFields(error);
  const message = `${what}${reason === '' ? '' : `: ${reason}`}`;
  const fault = faultOf(status, { reason, ...rest });
  const fields = status === null ? {} : { status };
  return fault === 'requester'
    ? new EndpointError(fault, reason || message, { ...fields, param })
    : new EndpointError(fault, message, fields);
}

interface Told {
  readonly reason: string;
  readonly code: string;
  readonly type: string;
  readonly isFlagged: boolean;
}

function faultOf(status: number | null, { reason, code, type, isFlagged }: Told): Fault {
  if (ABOUT_KEY.test(reason)) return 'provider';
  const known = FAULTS_OF_CODES.get(code) ?? FAULTS_OF_CODES.get(type);
  if (known !== undefined) return known;
  // OpenRouter: 403 for what a requester says, and for a key that may not use a model.
  if (status === 403 && isFlagged) return 'requester';
  if (status === null) return 'provider';
  if (REQUESTERS_FAULT.has(status) || (status >= 500 && INVALID_REQUEST.has(type))) return 'requester';
  if (BUSY.has(status)) return 'busy';
  if (status !== 404) return 'provider';
  return ABOUT_FEATURE.test(reason) ? 'requester' : 'model_unknown';
}
