import type { RecordClass } from './types.ts';

/** Operations that leave no record: a countersignature is kept itself, and a record of it would want the next. */
const LEFT_OUT: ReadonlySet<string> = new Set(['audit.countersignatures.create']);
/** What is done has its record elsewhere: a result is the end of a request, whose record stands with its money. */
const DONE_ELSEWHERE: ReadonlySet<string> = new Set(['providers.results.send']);

/** True for an operation whose records are kept, ended like this; null: it was done. */
export function isRecorded(operation: string, code: string | null): boolean {
  return !LEFT_OUT.has(operation) && !(code === null && DONE_ELSEWHERE.has(operation));
}

/** What a record is of: refusals of what is not audited otherwise are looks that were not allowed. */
export function recordClassOf(
  audit: 'refusals' | 'access' | 'change' | 'money',
): Exclude<RecordClass, 'emergency'> {
  return audit === 'refusals' ? 'access' : audit;
}

/** Codes of refusals that say who may do what. */
const DENIALS: ReadonlySet<string> = new Set([
  'unauthenticated',
  'forbidden',
  'not_found',
  'api_key_scope',
  'setup_code_wrong',
  'sign_in_code_wrong',
  'password_wrong',
  'identity_refused',
  'identity_unverified',
  'invitation_wrong',
  'claim_code_wrong',
  'csrf_refused',
  'passkey_refused',
  'second_factor_required',
  'step_up_required',
  'device_of_other_tenant',
  'tenant_suspended',
  'session_resumed_twice',
  'device_key_wrong',
  'device_signature_wrong',
]);

/** What is said in a session of Ratatoskr beside the operations that are asked for: each refusal of it is recorded. */
const SAID_IN_SESSIONS: ReadonlySet<string> = new Set([
  'ratatoskr.sessions.control',
  'providers.offer',
  'providers.withdraw',
  'providers.bodies.confirm',
  'providers.deltas.send',
  'providers.signsOfLife.send',
  'providers.results.send',
]);

/** Refusals that say nothing of what was asked: it may come again as it is. */
const PASSING: ReadonlySet<string> = new Set([
  'rate_limited',
  'too_large',
  'unavailable',
  'internal',
  'storage_full',
]);

/** True for a refusal that is recorded: of who may not, of what isn't theirs or doesn't exist, and of what is wrong in a session. */
export function isRecordedRefusal(operation: string, code: string): boolean {
  if (DENIALS.has(code) || code.endsWith('_not_found')) return true;
  return SAID_IN_SESSIONS.has(operation) && !PASSING.has(code);
}
