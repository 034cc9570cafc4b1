import { type Identify, namedTenant } from '../authenticate.ts';
import type { Caller } from './pipeline.ts';

/** Whose token this is, found out as often as it is asked: acting in a tenant that it names by its id; empty: its own. */
export function tokenHolder(
  identify: Identify,
  token: string,
  tenantId: string,
): Required<Pick<Caller, 'identify' | 'shown'>> {
  const tenant = namedTenant(() => (tenantId === '' ? undefined : tenantId));
  return { identify: () => identify(token, tenant), shown: () => token };
}
