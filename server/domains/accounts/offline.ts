import type { Clock } from '../../kernel/clock.ts';
import { invalidInput } from '../../kernel/errors.ts';
import { type AccountId, asId, type CredentialId, type TenantId } from '../../kernel/ids.ts';
import { NAME_PROBLEMS, toName } from '../../kernel/name.ts';
import type { ListPosition } from '../../kernel/page.ts';
import type { Random } from '../../kernel/random.ts';
import { FIRST_TOKEN_NAME, SETUP_CODE_BYTES } from './limits.ts';
import type { AccountStore, TokenHash } from './ports.ts';
import { makeToken } from './tokens.ts';
import type { Account, NewAccount } from './types.ts';

/** What lets people in, whoever they are. */
export interface OfflineTokenStore {
  /** Where there are users, nobody is the first operator any more. */
  removeSetupCode(): Promise<void>;
  /** False: there was none. */
  removeToken(tokenId: CredentialId): Promise<boolean>;
  /** Removes all tokens of an account; their number. */
  removeTokensOf(accountId: AccountId): Promise<number>;
}

/**
 * What is done about accounts at the machine while the server is stopped, also when nobody can sign in any more. Nobody is asked for
 * a permission: who has the data directory has everything.
 */
export interface OfflineAccounts {
  /** A new account with a tenant of its own; a set-up code stops working. Refuses with `invalid_input` what is no name. */
  addUser(name: string, operator: boolean): Promise<NewAccount>;
  /** In order of creation, those behind `after`. */
  listUsers(after: ListPosition<AccountId> | null, limit: number): Promise<readonly Account[]>;
  /** False: there is no such token. */
  revokeToken(tokenId: CredentialId): Promise<boolean>;
  /** How many tokens the account had. */
  revokeTokensOf(accountId: AccountId): Promise<number>;
  /** A new one-time code for the first operator, or null when there are accounts. Earlier codes stop working. */
  offerSetupCode(): Promise<string | null>;
}

/** Builds it. */
export function createOfflineAccounts(dependencies: {
  readonly store: Pick<AccountStore, 'addAccount' | 'listAccounts' | 'offerSetupCode'>;
  readonly tokens: OfflineTokenStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly hash: TokenHash;
}): OfflineAccounts {
  const { store, tokens, clock, random, hash } = dependencies;
  return {
    async addUser(given, operator) {
      const name = toName(given);
      if (!name.ok) throw invalidInput(`The name ${NAME_PROBLEMS[name.problem]}.`);
      const account: Account = {
        id: asId<AccountId>(random.uuid()),
        homeTenantId: asId<TenantId>(random.uuid()),
        name: name.name,
        operator,
        createdAtMs: clock.nowMs(),
      };
      const { token, secret } = makeToken(FIRST_TOKEN_NAME, dependencies);
      await tokens.removeSetupCode();
      await store.addAccount(account, token, null);
      return { account, token: secret };
    },

    listUsers: (after, limit) => store.listAccounts(after, limit),

    revokeToken: (tokenId) => tokens.removeToken(tokenId),

    revokeTokensOf: (accountId) => tokens.removeTokensOf(accountId),

    async offerSetupCode() {
      const code = Buffer.from(random.bytes(SETUP_CODE_BYTES)).toString('hex');
      return (await store.offerSetupCode(hash(code))) ? code : null;
    },
  };
}
