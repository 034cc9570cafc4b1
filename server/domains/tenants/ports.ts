import type { AccountActor } from '../../kernel/actor.ts';
import type { AccountId, DeviceId, NetworkId, TenantId } from '../../kernel/ids.ts';
import type { ListPosition } from '../../kernel/page.ts';
import type { MembershipRefusal } from './rules.ts';
import type { JoinedTenant, Membership, MembershipGrant } from './types.ts';

/** A device that was in a network of the tenant because of a membership. */
export interface BroughtDevice {
  readonly deviceId: DeviceId;
  readonly networkId: NetworkId;
}

/** The devices that members brought into networks of the tenant. */
export interface BroughtDevices {
  /** They left: ends what they have open there. */
  left(devices: readonly BroughtDevice[]): Promise<void>;
}

/** The names of accounts. */
export interface AccountDirectory {
  /** Those that the actor may see, by id. */
  findNames(actor: AccountActor, accountIds: readonly AccountId[]): Promise<ReadonlyMap<AccountId, string>>;
  /** The tenant that was made with the account; null: there is no such account. */
  findTenantOfAccount(accountId: AccountId): Promise<TenantId | null>;
}

/** What accounts have open: connections, and answers that are still being sent. */
export interface LiveConnections {
  /** Ends at once everything that the account has open in the tenant. */
  endAccount(membership: { readonly tenantId: TenantId; readonly accountId: AccountId }): void;
}

/** Decides about a change, inside its transaction: the membership until now, and how many owners the tenant has. */
export type DecideChange = (found: {
  readonly before: MembershipGrant | null;
  readonly owners: number;
}) => MembershipRefusal | null;

/** How a change ended, with the devices that left by it. */
export type ChangeOutcome =
  | {
      readonly kind: 'done';
      readonly before: Membership | null;
      readonly left: readonly BroughtDevice[];
    }
  | { readonly kind: 'refused'; readonly reason: MembershipRefusal }
  | { readonly kind: 'not_found' | 'exists' | 'network_not_found' | 'user_not_found' | 'limit_reached' };

/** Where tenants and memberships are kept. */
export interface TenantStore {
  /** A member of the actor's tenant, as far as the actor sees it. */
  findMember(actor: AccountActor, accountId: AccountId): Promise<Membership | null>;
  /** In the order of ids, those behind `after`; of an actor for single networks only itself. */
  listMembers(actor: AccountActor, after: AccountId | null, limit: number): Promise<readonly Membership[]>;
  /** Adds a membership of the actor's tenant. */
  addMember(actor: AccountActor, membership: Membership, decide: DecideChange): Promise<ChangeOutcome>;
  /** Changes a membership, or (null) ends it. */
  changeMember(
    actor: AccountActor,
    accountId: AccountId,
    after: MembershipGrant | null,
    decide: DecideChange,
  ): Promise<ChangeOutcome>;
  /** The tenants that the account is a member of, in the order in which it became one, those behind `after`. */
  listTenants(
    accountId: AccountId,
    after: ListPosition<TenantId> | null,
    limit: number,
  ): Promise<readonly JoinedTenant[]>;
}
