import type { NetworkId, TenantId } from '../../kernel/ids.ts';
import type { Membership } from './types.ts';

/** A row of `network_members`, as far as it says which network. */
export interface MembershipRow {
  network_id: NetworkId;
  tenant_id: TenantId;
  joined_at: Date;
}

/** A row as the membership it is. */
export function toMembership(row: MembershipRow): Membership {
  return {
    networkId: row.network_id,
    tenantId: row.tenant_id,
    joinedAtMs: row.joined_at.getTime(),
  };
}
