import type { Role } from '../../kernel/actor.ts';
import type { AccountId, InvitationId, NetworkId, TenantId } from '../../kernel/ids.ts';

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

/** A membership of an account that goes, and who else belongs to the tenant. */
export interface LeavingMembership {
  readonly tenantId: TenantId;
  readonly role: Role;
  readonly otherOwners: number;
  /** Owners among them. */
  readonly otherMembers: number;
  /** Who has been an administrator for longest, else a member for the whole tenant; null: there is none. */
  readonly successor: AccountId | null;
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

/** What somebody is invited to, and by whom. */
export interface Invitation extends MembershipGrant {
  readonly id: InvitationId;
  readonly tenantId: TenantId;
  /** The only address that may redeem it; null: whoever has its token. */
  readonly address: string | null;
  readonly invitedBy: AccountId;
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
}

/** An invitation that was just made. `secret` is its token; null: it was sent to its address alone. */
export interface NewInvitation {
  readonly invitation: Invitation;
  readonly secret: string | null;
}
