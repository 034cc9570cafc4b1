import type { AccountActor, Actor, ProofWay } from '../../kernel/actor.ts';
import type { Clock } from '../../kernel/clock.ts';
import { AppError, notFound } from '../../kernel/errors.ts';
import { type AccountId, asId, type TenantId } from '../../kernel/ids.ts';
import { byCreation, type ListPosition, type Page, pageOf } from '../../kernel/page.ts';
import { requirePermission } from '../../kernel/permission.ts';
import type { Random } from '../../kernel/random.ts';
import { type AccessTokenKeyDependencies, createAccessTokenKeys } from './access-token-keys.ts';
import {
  type AddressChangeDependencies,
  type AddressChanges,
  createAddressChanges,
} from './address-change.ts';
import { type ApiKeys, createApiKeys } from './api-keys.ts';
import { type AccountDeletion, type AccountDeletionDependencies, createAccountDeletion } from './deletion.ts';
import {
  createExternalSignIn,
  type ExternalSignIn,
  type ExternalSignInDependencies,
} from './external-sign-in.ts';
import { createLinkedIdentities, type IdentityDependencies, type LinkedIdentities } from './identities.ts';
import { API_KEY_PREFIX, FIRST_TOKEN_NAME, SETUP_CODE_BYTES, USER_TOKEN_PREFIX } from './limits.ts';
import {
  createPasskeySignIn,
  type PasskeySignIn,
  type PasskeySignInDependencies,
} from './passkey-sign-in.ts';
import { createPasskeys, type PasskeyDependencies, type Passkeys } from './passkeys.ts';
import { createPasswords, type PasswordDependencies, type Passwords } from './passwords.ts';
import type { AccountStore, IdentifiedAccount, LiveConnections, SignInStore, TokenHash } from './ports.ts';
import {
  createProgramSignIn,
  type ProgramSignIn,
  type ProgramSignInDependencies,
} from './program-sign-in.ts';
import { createProofs, type ProofDependencies, type Proofs } from './proofs.ts';
import { createRecoveryCodes, type RecoveryCodeDependencies, type RecoveryCodes } from './recovery-codes.ts';
import {
  createAccessTokenReader,
  createRefreshTokens,
  type ReadAccessToken,
  type RefreshTokenDependencies,
  type RefreshTokens,
} from './refresh-tokens.ts';
import { createSignIn, type SignIn, type SignInDependencies } from './sign-in.ts';
import { createSignInNotices, type SignInNoticeDependencies } from './sign-in-notices.ts';
import {
  type AccountTokens,
  accessTokenEnded,
  asProven,
  createAccountTokens,
  makeSession,
  makeToken,
} from './tokens.ts';
import type { Account, NewAccount, NewToken, OwnAccount } from './types.ts';

/** Accounts, and what proves that it is them. */
export interface AccountService
  extends AccountTokens,
    ApiKeys,
    SignIn,
    ExternalSignIn,
    AddressChanges,
    LinkedIdentities,
    Passkeys,
    PasskeySignIn,
    Passwords,
    Proofs,
    ProgramSignIn,
    RecoveryCodes,
    RefreshTokens,
    AccountDeletion {
  /** A new one-time code for the first operator, or null when there are accounts. Earlier codes stop working. */
  offerSetupCode(): Promise<string | null>;
  /**
   * Makes the first operator, with a token that lasts or one of a sign-in. Refuses with `setup_code_wrong` a wrong or used
   * code.
   */
  setUp(
    code: string,
    name: string,
    kind: 'personal' | 'session',
  ): Promise<NewToken & { readonly account: Account }>;
  /**
   * A new account with a tenant of its own, and (null: none) the address that it signs in with. Refuses with `forbidden` everybody but an
   * operator, and with `email_taken`.
   */
  createAccount(actor: Actor, name: string, address: string | null): Promise<NewAccount>;
  /** The account that asks. */
  getSelf(actor: Actor): Promise<OwnAccount>;
  /** Gives the account that asks another name. */
  renameSelf(actor: Actor, name: string): Promise<OwnAccount>;
  /** All accounts. Refuses with `forbidden` everybody but an operator. */
  listAccounts(
    actor: Actor,
    after: ListPosition<AccountId> | null,
    limit: number,
  ): Promise<Page<Account, ListPosition<AccountId>>>;
  /** The home tenant of any account, or null. For services that act on an account for an operator. */
  findTenantOfAccount(accountId: AccountId): Promise<TenantId | null>;
  /** The address that any account signs in with, or null. For services that checked who asks. */
  findAddress(accountId: AccountId): Promise<string | null>;
  /** The names, by id, of those accounts that the actor may see. */
  findNames(actor: AccountActor, accountIds: readonly AccountId[]): Promise<ReadonlyMap<AccountId, string>>;
  /**
   * The account behind a token, acting in this tenant or (null) in its home tenant; null: nobody has the token. Refuses
   * with `tenant_not_found` a tenant that it is no member of, whether there is one or not; an API key is good in its own
   * tenant alone.
   */
  identify(token: string, tenantId: TenantId | null): Promise<AccountActor | null>;
}

/** What the service needs. */
interface AccountDependencies
  extends Pick<SignInDependencies, 'mail' | 'clients' | 'signUpOpen'>,
    Pick<AddressChangeDependencies, 'changes'>,
    Pick<IdentityDependencies, 'identities'>,
    Pick<PasswordDependencies, 'passwords' | 'hasher' | 'passwordTries' | 'passwordsOn'>,
    Pick<PasskeyDependencies, 'passkeys' | 'ceremonies' | 'partyOf' | 'opensByPasskey'>,
    Pick<PasskeySignInDependencies, 'passkeySignIns'>,
    Pick<ProofDependencies, 'proofs'>,
    Pick<AccessTokenKeyDependencies, 'accessKeys' | 'secretBox' | 'ed25519'>,
    Pick<RefreshTokenDependencies, 'refreshTokens' | 'accessTokens'>,
    Pick<RecoveryCodeDependencies, 'recoveryCodes'>,
    Pick<ProgramSignInDependencies, 'programs' | 'codeTries'>,
    Pick<AccountDeletionDependencies, 'deletions' | 'money' | 'deletionDelayMs'>,
    Pick<SignInNoticeDependencies, 'signIns' | 'noticeMail'>,
    Pick<ExternalSignInDependencies, 'external' | 'providers' | 'logger'> {
  readonly store: AccountStore;
  readonly codes: SignInStore;
  readonly live: LiveConnections;
  readonly clock: Clock;
  readonly random: Random;
  readonly hash: TokenHash;
}

/** Builds the service. */
export function createAccountService(dependencies: AccountDependencies): AccountService {
  const { store, clock, random, hash } = dependencies;
  const withKeys = { ...dependencies, accessTokenKeys: createAccessTokenKeys(dependencies) };
  const readAccessToken = createAccessTokenReader(withKeys);

  const newAccount = (name: string, operator: boolean): Account => ({
    id: asId<AccountId>(random.uuid()),
    homeTenantId: asId<TenantId>(random.uuid()),
    name,
    operator,
    createdAtMs: clock.nowMs(),
  });

  return {
    ...createParts(dependencies, (name) => newAccount(name, false)),
    ...createRefreshTokens(withKeys),

    async offerSetupCode() {
      const code = Buffer.from(random.bytes(SETUP_CODE_BYTES)).toString('hex');
      return (await store.offerSetupCode(hash(code))) ? code : null;
    },

    async setUp(code, name, kind) {
      const account = newAccount(name, true);
      const made = asProven(
        kind === 'session' ? makeSession(dependencies) : makeToken(FIRST_TOKEN_NAME, dependencies),
      );
      if (await store.addFirstAccount(hash(code), account, made.token)) return { account, ...made };
      throw new AppError('forbidden', 'setup_code_wrong', 'The set-up code is wrong or was used already.');
    },

    async createAccount(actor, name, address) {
      requirePermission(actor, 'platform.operate');
      const account = newAccount(name, false);
      const { token, secret } = makeToken(FIRST_TOKEN_NAME, dependencies);
      if (await store.addAccount(account, token, address)) return { account, token: secret };
      throw new AppError('conflict', 'email_taken', 'Another user signs in with this address.');
    },

    async getSelf(actor) {
      const account = await store.findSelf(requirePermission(actor, 'account.read'));
      if (account === null) throw notFound('user');
      return account;
    },

    async renameSelf(actor, name) {
      await store.renameSelf(requirePermission(actor, 'account.manage'), name);
      return this.getSelf(actor);
    },

    async listAccounts(actor, after, limit) {
      requirePermission(actor, 'platform.operate');
      return pageOf(await store.listAccounts(after, limit + 1), limit, byCreation);
    },

    findTenantOfAccount: async (accountId) => (await store.findAccount(accountId))?.homeTenantId ?? null,

    findAddress: (accountId) => store.findAddress(accountId),

    findNames: (actor, accountIds) => store.findNames(actor, accountIds),

    identify: (token, wantedTenantId) =>
      identify(token, wantedTenantId, { ...dependencies, readAccessToken }),
  };
}

/** The parts of the service that have files of their own. */
function createParts(dependencies: AccountDependencies, newAccount: (name: string) => Account) {
  const notices = createSignInNotices(dependencies);
  const signIn = createSignIn({ ...dependencies, store: dependencies.codes, notices, newAccount });
  return {
    ...createAccountTokens(dependencies),
    ...createApiKeys(dependencies),
    ...createAddressChanges(dependencies),
    ...createLinkedIdentities(dependencies),
    ...createAccountDeletion(dependencies),
    ...createPasskeys(dependencies),
    ...createPasskeySignIn({ ...dependencies, notices }),
    ...createPasswords({ ...dependencies, notices }),
    ...createProgramSignIn({ ...dependencies, notices }),
    ...createRecoveryCodes({ ...dependencies, notices }),
    ...createExternalSignIn({ ...dependencies, notices, newAccount }),
    ...createProofs({ ...dependencies, accounts: dependencies.store, sendCode: signIn.requestProof }),
    ...signIn,
  };
}

async function identify(
  token: string,
  wantedTenantId: TenantId | null,
  {
    store,
    clock,
    hash,
    mail,
    opensByPasskey,
    readAccessToken,
  }: Pick<AccountDependencies, 'store' | 'clock' | 'hash' | 'mail' | 'opensByPasskey'> & {
    readonly readAccessToken: ReadAccessToken;
  },
): Promise<AccountActor | null> {
  const access = await readAccessToken(token);
  if (access === 'ended') throw accessTokenEnded();
  const isOpaque = token.startsWith(USER_TOKEN_PREFIX) || token.startsWith(API_KEY_PREFIX);
  if (access === null && !isOpaque) return null;
  const shown = access === null ? hash(token) : access.credentialId;
  const found = await store.findByToken(shown, wantedTenantId, clock.nowMs());
  if (found === null) return null;
  const { account, credentialId, tenantId, membership, scope, expiresAtMs, isPartial, isLeaving } = found;
  if (membership === null) throw notFound('tenant');
  const { role, networkIds } = membership;
  const accepted = proofWaysOf(found.has, { byMail: mail !== null, byPasskey: opensByPasskey });
  return {
    kind: 'account',
    tenantId,
    accountId: account.id,
    credentialId,
    role,
    networkIds,
    operator: account.operator,
    ...(scope === null ? {} : { scope }),
    ...(accepted.length === 0 ? {} : { proof: { atMs: found.provenAtMs, accepted } }),
    ...(isPartial ? { isPartial } : {}),
    ...(isLeaving ? { isLeaving } : {}),
    ...(expiresAtMs === null ? {} : { expiresAtMs }),
    ...(access === null ? {} : { lookAgainAtMs: access.expiresAtMs }),
  };
}

/** How an account proves itself: with a passkey where it has one, else with what it has. */
function proofWaysOf(
  { passkey, address, recoveryCode }: IdentifiedAccount['has'],
  works: { readonly byMail: boolean; readonly byPasskey: boolean },
): ProofWay[] {
  if (passkey && works.byPasskey) return ['passkey'];
  return [
    ...(address && works.byMail ? (['code'] as const) : []),
    ...(recoveryCode ? (['recovery_code'] as const) : []),
  ];
}
