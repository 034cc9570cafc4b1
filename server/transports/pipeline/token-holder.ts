import type { Actor } from '../../kernel/actor.ts';
import { type Identify, namedTenant } from '../authenticate.ts';
import type { Caller } from './pipeline.ts';

/**
 * Whose token this is, found out as often as it is asked, and told to `found`: acting in a tenant that it names by its id; empty: its
 * own.
 */
export function tokenHolder(
  identify: Identify,
  token: string,
  tenantId: string,
  found: (actor: Actor) => void = () => {},
): Required<Pick<Caller, 'identify' | 'shown'>> {
  const tenant = namedTenant(() => (tenantId === '' ? undefined : tenantId));
  return {
    async identify() {
      const actor = await identify(token, tenant);
      if (actor !== null) found(actor);
      return actor;
    },
    shown: () => token,
  };
}
