import { isList, isObject, type JsonValue, parseJson } from './json.ts';
import { REASON_CHARACTERS_MAX } from './limits.ts';

/** Whose fault a failure is. */
export type Fault = 'provider' | 'requester' | 'busy' | 'model_unknown' | 'stalled' | 'malformed';

/** An endpoint that can't, or won't, answer. The message is for people, on both ends. */
export class EndpointError extends Error {
  readonly fault: Fault;
  /** Its HTTP status; null where it gave none. */
  readonly status: number | null;
  /** The field of the request that it names. */
  readonly param: string | null;

  constructor(fault: Fault, message: string, options: { status?: number; param?: string | null } = {}) {
    super(message);
    this.name = 'EndpointError';
    this.fault = fault;
    this.status = options.status ?? null;
    this.param = options.param ?? null;
  }

  /** True where it doesn't let this provider in, or there is nothing at this address, or it is elsewhere. */
  get isDenial(): boolean {
    return this.status === 401 || this.status === 403 || this.isElsewhere;
  }

  /** True where there is nothing at this address: a redirect is not followed. */
  get isElsewhere(): boolean {
    const { status } = this;
    return status === 404 || (status !== null && status >= 300 && status < 400);
  }
}

/** Statuses with which an endpoint refuses what is asked, not who asks. */
const REQUESTERS_FAULT: ReadonlySet<number> = new Set([400, 413, 422]);
/** Statuses of an endpoint that has no room now, or loads its model. */
const BUSY: ReadonlySet<number> = new Set([429, 503]);
/** Codes that say more than their status. */
const FAULTS_OF_CODES: Readonly<Record<string, Fault>> = {
  model_not_found: 'model_unknown',
  model_decommissioned: 'model_unknown',
  insufficient_quota: 'provider',
  invalid_api_key: 'provider',
};

/** What an endpoint's answer with an error status means. `redact` takes out what nobody may read. */
export function refusalOf(status: number, body: string, redact: (text: string) => string): EndpointError {
  const { reason, param, code } = readErrorBody(body);
  const told = redact(reason).slice(0, REASON_CHARACTERS_MAX);
  const message = `the endpoint answered status ${status}${told === '' ? '' : `: ${told}`}`;
  // Some endpoints refuse a wrong key with 400.
  const isAboutKey = /api[ _-]?key/i.test(reason);
  const fault = isAboutKey ? 'provider' : (FAULTS_OF_CODES[code] ?? faultOf(status));
  return fault === 'requester'
    ? new EndpointError(fault, told || message, { status, param })
    : new EndpointError(fault, message, { status });
}

function faultOf(status: number): Fault {
  if (REQUESTERS_FAULT.has(status)) return 'requester';
  if (BUSY.has(status)) return 'busy';
  return status === 404 ? 'model_unknown' : 'provider';
}

/** OpenAI's form `{error: {message, param, code}}`, and what others make of it. */
function readErrorBody(body: string): { reason: string; param: string | null; code: string } {
  const json = parseJson(body);
  const error = isObject(json) ? (json.error ?? json) : undefined;
  const fields = isObject(error) ? error : {};
  const reason = textOf(error) || (json === undefined && !body.includes('<') ? body : '');
  return {
    reason: reason.replace(/\s+/g, ' ').trim(),
    param: typeof fields.param === 'string' ? fields.param.slice(0, REASON_CHARACTERS_MAX) : null,
    code: typeof fields.code === 'string' ? fields.code : '',
  };
}

function textOf(error: JsonValue | undefined): string {
  if (typeof error === 'string') return error;
  if (!isObject(error)) return '';
  if (typeof error.message === 'string') return error.message;
  // FastAPI: a text, or a list of problems.
  if (typeof error.detail === 'string') return error.detail;
  return isList(error.detail) ? JSON.stringify(error.detail) : '';
}
