import { addressGroup } from '../../../kernel/network-address.ts';
import type { HttpRequest } from '../../../platform/http/types.ts';

/** Where a sign-in comes from, as its account is told. */
export const originOf = (request: HttpRequest) => ({
  client: addressGroup(request.remoteAddress),
  userAgent: request.header('user-agent') ?? null,
});
