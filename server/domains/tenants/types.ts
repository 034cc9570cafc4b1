import type { Role } from '../../kernel/actor.ts';
import type { AccountId, NetworkId, TenantId } from '../../kernel/ids.ts';

/** A tenant as it is made. */
export interface Tenant {
  readonly id: TenantId;
  readonly name: string;
  readonly createdAtMs: number;
}

/** What a membership allows: a role, for some networks or (null) for the whole tenant. */
export interface MembershipGrant {
  readonly role: Role;
  readonly networkIds: readonly NetworkId[] | null;
}

/** An account's membership of a tenant. */
export interface Membership extends MembershipGrant {
  readonly tenantId: TenantId;
  readonly accountId: AccountId;
  readonly createdAtMs: number;
}

/** A member as others of the tenant see it. */
export interface Member extends MembershipGrant {
  readonly accountId: AccountId;
  readonly name: string;
  readonly createdAtMs: number;
}

/** A tenant as one of its members sees it. */
export interface JoinedTenant extends MembershipGrant {
  readonly id: TenantId;
  readonly name: string;
  /** When the account became a member. */
  readonly createdAtMs: number;
}
