import type { ErrorCodeName } from '../../../proto/index.ts';
import { holderKind } from '../../kernel/permission.ts';
import type { HttpDescription } from './http-operation.ts';

/** True for what writes more than it removes: it is refused while the disk is almost full. */
export function storesMore({ audit, method }: HttpDescription): boolean {
  return (audit === 'change' || audit === 'money') && method !== 'DELETE';
}

/** Codes that follow from what an HTTP operation is, so that its definition doesn't repeat them. */
export function commonErrors(operation: HttpDescription): readonly ErrorCodeName[] {
  const codes: ErrorCodeName[] = [
    'internal',
    'unavailable',
    'too_large',
    'rate_limited',
    'cut_off',
    'locked',
  ];
  if (storesMore(operation)) codes.push('storage_full');
  const { access } = operation;
  if (access !== 'public') {
    codes.push('unauthenticated', 'tenant_not_found');
    if (holderKind(access) !== 'device') codes.push('api_key_scope');
    if (operation.method !== 'GET') codes.push('csrf_refused');
    if (holderKind(access) !== 'any') codes.push('forbidden');
  }
  if (access !== 'public' && holderKind(access) !== 'device') {
    codes.push('tenant_suspended', 'account_deletion_pending', 'second_factor_required');
  }
  if (operation.needsProof === true) codes.push('step_up_required');
  if (operation.params || operation.query || operation.body) codes.push('invalid_input');
  if (operation.body) codes.push('malformed_json', 'unsupported_media_type');
  return codes;
}
