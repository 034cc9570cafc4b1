import type { AccountActor, Actor } from '../../kernel/actor.ts';
import type { Clock } from '../../kernel/clock.ts';
import { AppError, notFound } from '../../kernel/errors.ts';
import { type AccountId, asId, type TenantId } from '../../kernel/ids.ts';
import { byCreation, type ListPosition, type Page, pageOf } from '../../kernel/page.ts';
import { requirePermission } from '../../kernel/permission.ts';
import type { Random } from '../../kernel/random.ts';
import { FIRST_TOKEN_NAME, SETUP_CODE_BYTES, USER_TOKEN_PREFIX } from './limits.ts';
import type { AccountStore, LiveConnections, TokenHash } from './ports.ts';
import { type AccountTokens, createAccountTokens, makeToken } from './tokens.ts';
import type { Account, NewAccount } from './types.ts';

/** Accounts, and what proves that it is them. */
export interface AccountService extends AccountTokens {
  /** A new one-time code for the first operator, or null when there are accounts. Earlier codes stop working. */
  offerSetupCode(): Promise<string | null>;
  /** Makes the first operator. Refuses with `setup_code_wrong` a wrong or used code. */
  setUp(code: string, name: string): Promise<NewAccount>;
  /** A new account with a tenant of its own. Refuses with `forbidden` everybody but an operator. */
  createAccount(actor: Actor, name: string): Promise<NewAccount>;
  /** The account that asks. */
  getSelf(actor: Actor): Promise<Account>;
  /** All accounts. Refuses with `forbidden` everybody but an operator. */
  listAccounts(
    actor: Actor,
    after: ListPosition<AccountId> | null,
    limit: number,
  ): Promise<Page<Account, ListPosition<AccountId>>>;
  /** The home tenant of any account, or null. For services that act on an account for an operator. */
  findTenantOfAccount(accountId: AccountId): Promise<TenantId | null>;
  /** The names, by id, of those accounts that the actor may see. */
  findNames(actor: AccountActor, accountIds: readonly AccountId[]): Promise<ReadonlyMap<AccountId, string>>;
  /**
   * The account behind a token, acting in this tenant or (null) in its home tenant; null: nobody has the token. Refuses
   * with `tenant_not_found` a tenant that it is no member of, whether there is one or not.
   */
  identify(token: string, tenantId: TenantId | null): Promise<AccountActor | null>;
}

/** What the service needs. */
interface AccountDependencies {
  readonly store: AccountStore;
  readonly live: LiveConnections;
  readonly clock: Clock;
  readonly random: Random;
  readonly hash: TokenHash;
}

/** Builds the service. */
export function createAccountService(dependencies: AccountDependencies): AccountService {
  const { store, clock, random, hash } = dependencies;

  const newAccount = (name: string, operator: boolean): Account => ({
    id: asId<AccountId>(random.uuid()),
    homeTenantId: asId<TenantId>(random.uuid()),
    name,
    operator,
    createdAtMs: clock.nowMs(),
  });

  return {
    ...createAccountTokens(dependencies),

    async offerSetupCode() {
      const code = Buffer.from(random.bytes(SETUP_CODE_BYTES)).toString('hex');
      return (await store.offerSetupCode(hash(code))) ? code : null;
    },

    async setUp(code, name) {
      const account = newAccount(name, true);
      const { token, secret } = makeToken(FIRST_TOKEN_NAME, dependencies);
      if (await store.addFirstAccount(hash(code), account, token)) return { account, token: secret };
      throw new AppError('forbidden', 'setup_code_wrong', 'The set-up code is wrong or was used already.');
    },

    async createAccount(actor, name) {
      requirePermission(actor, 'platform.operate');
      const account = newAccount(name, false);
      const { token, secret } = makeToken(FIRST_TOKEN_NAME, dependencies);
      await store.addAccount(account, token);
      return { account, token: secret };
    },

    async getSelf(actor) {
      const account = await store.findSelf(requirePermission(actor, 'account.read'));
      if (account === null) throw notFound('user');
      return account;
    },

    async listAccounts(actor, after, limit) {
      requirePermission(actor, 'platform.operate');
      return pageOf(await store.listAccounts(after, limit + 1), limit, byCreation);
    },

    findTenantOfAccount: async (accountId) => (await store.findAccount(accountId))?.homeTenantId ?? null,

    findNames: (actor, accountIds) => store.findNames(actor, accountIds),

    async identify(token, wantedTenantId) {
      if (!token.startsWith(USER_TOKEN_PREFIX)) return null;
      const found = await store.findByToken(hash(token), wantedTenantId);
      if (found === null) return null;
      const { account, credentialId, tenantId, membership } = found;
      if (membership === null) throw notFound('tenant');
      const { role, networkIds } = membership;
      return {
        kind: 'account',
        tenantId,
        accountId: account.id,
        credentialId,
        role,
        networkIds,
        operator: account.operator,
      };
    },
  };
}
