import type { AccountActor, Actor } from '../../kernel/actor.ts';
import type { Clock } from '../../kernel/clock.ts';
import { AppError, notFound } from '../../kernel/errors.ts';
import { type AccountId, asId, type TenantId } from '../../kernel/ids.ts';
import { requirePermission } from '../../kernel/permission.ts';
import type { Random } from '../../kernel/random.ts';
import { SETUP_CODE_BYTES, USER_TOKEN_BYTES, USER_TOKEN_PREFIX } from './limits.ts';
import type { TokenHash, UserStore } from './ports.ts';
import type { NewUser, User, UserPage } from './types.ts';

export interface UserService {
  /** A new one-time code for the first operator, or null when there are users. Earlier codes stop working. */
  offerSetupCode(): Promise<string | null>;
  /** Makes the first operator. Refuses with `setup_code_wrong` a wrong or used code. */
  setUp(code: string, name: string): Promise<NewUser>;
  /** A new user with a tenant of its own. Refuses with `forbidden` everybody but an operator. */
  createUser(actor: Actor, name: string): Promise<NewUser>;
  /** The user who asks. */
  getSelf(actor: Actor): Promise<User>;
  /** All users. Refuses with `forbidden` everybody but an operator. */
  listUsers(actor: Actor, after: AccountId | null, limit: number): Promise<UserPage>;
  /** The tenant of any user, or null. For services that act on a user for an operator. */
  findTenantOfAccount(accountId: AccountId): Promise<TenantId | null>;
  /** The user behind a token, or null. */
  identify(token: string): Promise<AccountActor | null>;
}

/** Builds the service. */
export function createUserService(dependencies: {
  store: UserStore;
  clock: Clock;
  random: Random;
  hash: TokenHash;
}): UserService {
  const { store, clock, random, hash } = dependencies;

  const newUser = (name: string, operator: boolean): User => ({
    id: asId<AccountId>(random.uuid()),
    tenantId: asId<TenantId>(random.uuid()),
    name,
    operator,
    createdAt: new Date(clock.nowMs()),
  });
  const newToken = () =>
    USER_TOKEN_PREFIX + Buffer.from(random.bytes(USER_TOKEN_BYTES)).toString('base64url');

  return {
    async offerSetupCode() {
      const code = Buffer.from(random.bytes(SETUP_CODE_BYTES)).toString('hex');
      return (await store.offerSetupCode(hash(code))) ? code : null;
    },

    async setUp(code, name) {
      const user = newUser(name, true);
      const token = newToken();
      if (await store.addFirstUser(hash(code), user, hash(token))) return { user, token };
      throw new AppError('forbidden', 'setup_code_wrong', 'The set-up code is wrong or was used already.');
    },

    async createUser(actor, name) {
      requirePermission(actor, 'platform.operate');
      const user = newUser(name, false);
      const token = newToken();
      await store.addUser(user, hash(token));
      return { user, token };
    },

    async getSelf(actor) {
      const { tenantId, accountId } = requirePermission(actor, 'account.read');
      const user = await store.findUser(tenantId, accountId);
      if (user === null) throw notFound('user');
      return user;
    },

    async listUsers(actor, after, limit) {
      requirePermission(actor, 'platform.operate');
      const users = await store.listUsers(after, limit + 1);
      const items = users.slice(0, limit);
      return { items, next: users.length > limit ? (items.at(-1)?.id ?? null) : null };
    },

    findTenantOfAccount: async (accountId) => (await store.findUserOfAnyTenant(accountId))?.tenantId ?? null,

    async identify(token) {
      if (!token.startsWith(USER_TOKEN_PREFIX)) return null;
      const user = await store.findUserByToken(hash(token));
      if (user === null) return null;
      return {
        kind: 'account',
        tenantId: user.tenantId,
        accountId: user.id,
        role: 'owner',
        networkIds: null,
        operator: user.operator,
      };
    },
  };
}
