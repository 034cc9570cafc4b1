import type { ErrorCodeName } from '../../../proto/index.ts';
import type { RouteDescription } from './define-route.ts';

/** Codes that follow from what a route is, so that its definition doesn't repeat them. */
export function commonErrors(route: RouteDescription): readonly ErrorCodeName[] {
  const codes: ErrorCodeName[] = ['internal', 'unavailable', 'too_large'];
  if (route.access !== 'public') codes.push('unauthenticated');
  if (route.access === 'user' || route.access === 'operator') codes.push('forbidden');
  if (route.params || route.query || route.body) codes.push('invalid_input');
  if (route.body) codes.push('malformed_json', 'unsupported_media_type');
  return codes;
}
