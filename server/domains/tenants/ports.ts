import type { AccountActor } from '../../kernel/actor.ts';
import type { AccountId, DeviceId, InvitationId, NetworkId, TenantId } from '../../kernel/ids.ts';
import type { ListPosition } from '../../kernel/page.ts';
import type { MembershipRefusal } from './rules.ts';
import type { Invitation, JoinedTenant, Membership, MembershipGrant, Tenant } from './types.ts';

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
  /** The address that the account has shown to be its own; null: it has none. */
  findAddress(accountId: AccountId): Promise<string | null>;
}

/** Sends mail. Returns at once: whether and when it arrives, nobody who asks learns. */
export interface MailSender {
  send(mail: { readonly to: string; readonly subject: string; readonly text: string }): void;
}

/** Counts what each tenant and each address is asked for. */
export interface InvitationLimiter {
  /** Counts one more; gives the seconds to wait where it was too much, else null. */
  countAndCheck(key: string): number | null;
}

/** SHA-256 of a secret's UTF-8 bytes. */
export type TokenHash = (secret: string) => Uint8Array;

/** What accounts have open: connections, and answers that are still being sent. */
export interface LiveConnections {
  /** Ends at once everything that the account has open in the tenant. */
  endAccount(membership: { readonly tenantId: TenantId; readonly accountId: AccountId }): void;
  /** What the account may in the tenant has changed. What it has open there stays. */
  accountChanged(membership: { readonly tenantId: TenantId; readonly accountId: AccountId }): void;
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
  /** Adds a tenant that the account owns. False: it owns as many as it may. */
  addOwnTenant(tenant: Tenant, accountId: AccountId, tenantsMax: number): Promise<boolean>;
  /** Gives the actor's tenant another name. False: the database doesn't let the actor. */
  renameTenant(actor: AccountActor, name: string): Promise<boolean>;
  /**
   * Makes `to`, a member, an owner of the actor's tenant, and the actor an administrator. Where the tenant was made with the
   * actor, `newHome` takes its place, and what the actor brought elsewhere from it leaves. `not_found`: `to` is no member;
   * `refused`: the actor is no owner any more.
   */
  handOver(actor: AccountActor, to: AccountId, newHome: Tenant): Promise<ChangeOutcome>;
}

/** An invitation as it is kept. */
export interface StoredInvitation extends Invitation {
  readonly hash: Uint8Array;
}

/** Decides, in the transaction of a redemption, whether the one who invited may still give this. */
export type DecideInvitation = (invited: {
  readonly inviter: MembershipGrant;
  readonly grant: MembershipGrant;
  readonly owners: number;
}) => MembershipRefusal | null;

/** Where invitations are kept. */
export interface InvitationStore {
  /** Adds an invitation to the actor's tenant. */
  addInvitation(
    actor: AccountActor,
    invitation: StoredInvitation,
    invitationsMax: number,
  ): Promise<
    | { readonly kind: 'added'; readonly tenantName: string }
    | { readonly kind: 'limit_reached' | 'network_not_found' }
  >;
  /** The open invitations of the actor's tenant, in order of creation, those behind `after`. */
  listInvitations(
    actor: AccountActor,
    after: ListPosition<InvitationId> | null,
    limit: number,
    nowMs: number,
  ): Promise<readonly Invitation[]>;
  /** False: the actor's tenant has no such invitation. */
  removeInvitation(actor: AccountActor, id: InvitationId): Promise<boolean>;
  /**
   * Uses the invitation of this token up and adds the membership, both or neither. `not_found`: there is none that the account
   * may redeem now.
   */
  redeem(
    redemption: {
      readonly tokenHash: Uint8Array;
      readonly accountId: AccountId;
      readonly address: string | null;
      readonly nowMs: number;
    },
    decide: DecideInvitation,
  ): Promise<
    | { readonly kind: 'joined'; readonly tenant: JoinedTenant }
    | { readonly kind: 'not_found' | 'exists' | 'limit_reached' }
  >;
  /** Removes invitations that ended before. */
  removeExpired(nowMs: number): Promise<void>;
}
