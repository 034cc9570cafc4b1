import type { Actor } from '../../kernel/actor.ts';
import { type Identify, namedTenant } from '../authenticate.ts';

/** Finds out whose token this is, as often as it is called: acting in a tenant that it names by its id; empty: its own. */
export function tokenHolder(
  identify: Identify,
  token: string,
  tenantId: string,
): () => Promise<Actor | null> {
  const tenant = namedTenant(() => (tenantId === '' ? undefined : tenantId));
  return () => identify(token, tenant);
}
