/**
 * Operations that leave no record, though their class wants one: a countersignature is kept itself, and a record of it would
 * want the next; a result is the end of a request, whose record stands with its money.
 */
const LEFT_OUT: ReadonlySet<string> = new Set(['audit.countersignatures.create', 'providers.results.send']);

/** True for an operation whose records are kept. */
export function isRecorded(operation: string): boolean {
  return !LEFT_OUT.has(operation);
}

/** Codes of refusals that say who may do what. */
const DENIALS: ReadonlySet<string> = new Set([
  'unauthenticated',
  'forbidden',
  'not_found',
  'api_key_scope',
  'setup_code_wrong',
  'sign_in_code_wrong',
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

/** True for a refusal that is recorded: of who may not, and of what isn't theirs or doesn't exist. */
export function isRecordedRefusal(code: string): boolean {
  return DENIALS.has(code) || code.endsWith('_not_found');
}
