import type { ErrorCodeName } from '../../../proto/index.ts';
import { holderKind } from '../../kernel/permission.ts';
import type { HttpDescription } from './http-operation.ts';

/** Codes that follow from what an HTTP operation is, so that its definition doesn't repeat them. */
export function commonErrors(operation: HttpDescription): readonly ErrorCodeName[] {
  const codes: ErrorCodeName[] = ['internal', 'unavailable', 'too_large', 'rate_limited'];
  const { access } = operation;
  if (access !== 'public') {
    codes.push('unauthenticated', 'tenant_not_found');
    if (holderKind(access) !== 'any') codes.push('forbidden');
  }
  if (operation.params || operation.query || operation.body) codes.push('invalid_input');
  if (operation.body) codes.push('malformed_json', 'unsupported_media_type');
  return codes;
}
