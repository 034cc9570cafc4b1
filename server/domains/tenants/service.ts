import type { AccountActor, Actor } from '../../kernel/actor.ts';
import type { Clock } from '../../kernel/clock.ts';
import { notFound } from '../../kernel/errors.ts';
import type { AccountId, TenantId } from '../../kernel/ids.ts';
import { byCreation, type ListPosition, type Page, pageOf } from '../../kernel/page.ts';
import { may, requirePermission } from '../../kernel/permission.ts';
import { memberExists, REFUSALS, requireGrant, tooManyMembers } from './errors.ts';
import { createInvitations, type InvitationDependencies, type Invitations } from './invitations.ts';
import { createOwnership, type Ownership, type OwnershipDependencies } from './ownership.ts';
import type {
  AccountDirectory,
  BroughtDevices,
  ChangeOutcome,
  DecideChange,
  LiveConnections,
  TenantStore,
} from './ports.ts';
import { checkChange, isLess } from './rules.ts';
import type { JoinedTenant, Member, Membership, MembershipGrant } from './types.ts';

/** Tenants and who is a member of them. */
export interface TenantService extends Invitations, Ownership {
  /** The tenants that the account which asks is a member of, whichever it acts in. */
  listTenants(
    actor: Actor,
    after: ListPosition<TenantId> | null,
    limit: number,
  ): Promise<Page<JoinedTenant, ListPosition<TenantId>>>;
  /** The members of the actor's tenant; who is for single networks sees itself only. */
  listMembers(actor: Actor, after: AccountId | null, limit: number): Promise<Page<Member, AccountId>>;
  /** One member of the actor's tenant. Refuses with `member_not_found` whom the actor doesn't see. */
  getMember(actor: Actor, accountId: AccountId): Promise<Member>;
  /**
   * Makes an account a member of the actor's tenant. Refuses with `forbidden`, `invalid_input`, `user_not_found`,
   * `network_not_found`, `member_exists` and, at 1,000 members, `limit_reached`.
   */
  addMember(actor: Actor, accountId: AccountId, grant: MembershipGrant): Promise<Member>;
  /**
   * Changes a member's role and networks; what it no longer may have open ends. Refuses with `forbidden`,
   * `invalid_input`, `member_not_found`, `network_not_found`, `last_owner` and `home_owner`.
   */
  changeMember(actor: Actor, accountId: AccountId, grant: MembershipGrant): Promise<Member>;
  /**
   * Ends a membership, or leaves; what the account has open there ends, and the devices it brought leave. Refuses with
   * `forbidden`, `member_not_found`, `last_owner` and `home_owner`.
   */
  removeMember(actor: Actor, accountId: AccountId): Promise<void>;
  /**
   * The account, acting in each tenant that it was invited into. None unless it acts in its home tenant now: only from
   * there it brings devices.
   */
  listInvitations(actor: AccountActor): Promise<readonly AccountActor[]>;
}

/** Invitations of one account that are looked through for a network. */
const INVITATIONS_MAX = 1_000;

/** What the service needs. */
interface TenantDependencies extends InvitationDependencies, OwnershipDependencies {
  readonly store: TenantStore;
  readonly accounts: AccountDirectory;
  readonly broughtDevices: BroughtDevices;
  readonly live: LiveConnections;
  readonly clock: Clock;
}

/** Builds the service. */
export function createTenantService(dependencies: TenantDependencies): TenantService {
  return {
    ...createTenantReader(dependencies),
    ...createMembershipChanger(dependencies),
    ...createInvitations(dependencies),
    ...createOwnership(dependencies),
  };
}

type MembershipChanger = Pick<TenantService, 'addMember' | 'changeMember' | 'removeMember'>;

function createTenantReader({
  store,
  accounts,
}: TenantDependencies): Omit<TenantService, keyof (MembershipChanger & Invitations & Ownership)> {
  return {
    async listTenants(actor, after, limit) {
      const { accountId } = requirePermission(actor, 'account.read');
      return pageOf(await store.listTenants(accountId, after, limit + 1), limit, byCreation);
    },

    async listMembers(actor, after, limit) {
      const account = requirePermission(actor, 'account.read');
      const found = await store.listMembers(account, after, limit + 1);
      const page = pageOf(found, limit, ({ accountId }) => accountId);
      return { ...page, items: await withNames(accounts, account, page.items) };
    },

    async getMember(actor, accountId) {
      const account = requirePermission(actor, 'account.read');
      const membership = await store.findMember(account, accountId);
      if (membership === null) throw notFound('member');
      return withName(accounts, account, membership);
    },

    async listInvitations(actor) {
      if ((await accounts.findTenantOfAccount(actor.accountId)) !== actor.tenantId) return [];
      const tenants = await store.listTenants(actor.accountId, null, INVITATIONS_MAX);
      return tenants
        .filter(({ id }) => id !== actor.tenantId)
        .map(({ id, role, networkIds }) => ({ ...actor, tenantId: id, role, networkIds }));
    },
  };
}

function createMembershipChanger(dependencies: TenantDependencies): MembershipChanger {
  const { store, accounts, broughtDevices, live, clock } = dependencies;

  /** The rules, asked inside the transaction, where the membership and the owners can't change any more. */
  const decideFor = async (
    actor: AccountActor,
    accountId: AccountId,
    after: MembershipGrant | null,
  ): Promise<DecideChange> => {
    const isHome = (await accounts.findTenantOfAccount(accountId)) === actor.tenantId;
    const isSelf = accountId === actor.accountId;
    return ({ before, owners }) => checkChange({ actor, isSelf, before, after, owners, isHome });
  };

  const change = async (actor: AccountActor, accountId: AccountId, after: MembershipGrant | null) => {
    const decide = await decideFor(actor, accountId, after);
    const outcome = await store.changeMember(actor, accountId, after, decide).catch((error: unknown) => {
      // It may be changed all the same: what the account has open is opened again as the role that it has now.
      live.endAccount({ tenantId: actor.tenantId, accountId });
      throw error;
    });
    const { before, left } = requireDone(outcome);
    const membership = { tenantId: actor.tenantId, accountId };
    if (before !== null && isLess(before, after)) live.endAccount(membership);
    else live.accountChanged(membership);
    await broughtDevices.left(left);
    return before;
  };

  return {
    async addMember(actor, accountId, wanted) {
      const account = requirePermission(actor, 'members.manage');
      const grant = requireGrant(wanted);
      const membership = { ...grant, tenantId: account.tenantId, accountId, createdAtMs: clock.nowMs() };
      const decide = await decideFor(account, accountId, grant);
      requireDone(await store.addMember(account, membership, decide));
      return withName(accounts, account, membership);
    },

    async changeMember(actor, accountId, wanted) {
      const account = requirePermission(actor, 'members.manage');
      const grant = requireGrant(wanted);
      const before = await change(account, accountId, grant);
      if (before === null) throw notFound('member');
      return withName(accounts, account, { ...before, ...grant });
    },

    async removeMember(actor, accountId) {
      const account = requirePermission(actor, 'account.manage');
      // Everybody may leave. Who can't see the others gets the same answer for each of them, member or not.
      if (accountId !== account.accountId && !may(account, 'members.manage')) throw REFUSALS.forbidden();
      await change(account, accountId, null);
    },
  };
}

/** Those of the members whose accounts are still there: one that is deleted meanwhile has no name. */
async function withNames(
  accounts: AccountDirectory,
  actor: AccountActor,
  memberships: readonly Membership[],
): Promise<Member[]> {
  const ids = memberships.map(({ accountId }) => accountId);
  const names = await accounts.findNames(actor, ids);
  return memberships.flatMap(({ accountId, role, networkIds, createdAtMs }) => {
    const name = names.get(accountId);
    return name === undefined ? [] : [{ accountId, name, role, networkIds, createdAtMs }];
  });
}

async function withName(
  accounts: AccountDirectory,
  actor: AccountActor,
  membership: Membership,
): Promise<Member> {
  const [member] = await withNames(accounts, actor, [membership]);
  if (member === undefined) throw notFound('member');
  return member;
}

/** The outcome of a change that was made; throws the refusal of another. */
function requireDone(outcome: ChangeOutcome): ChangeOutcome & { kind: 'done' } {
  switch (outcome.kind) {
    case 'done':
      return outcome;
    case 'refused':
      throw REFUSALS[outcome.reason]();
    case 'not_found':
      throw notFound('member');
    case 'exists':
      throw memberExists();
    case 'network_not_found':
      throw notFound('network');
    case 'user_not_found':
      throw notFound('user');
    case 'limit_reached':
      throw tooManyMembers();
  }
}
