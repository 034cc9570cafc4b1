export { createHomeRows } from './account-rows.postgres.ts';
export { createAddressChangeStore } from './address-change.postgres.ts';
export { createDeletionJob } from './carry-out-deletions.ts';
export { countAccounts, listOperatorAddresses } from './counts.postgres.ts';
export { createDeletionStore } from './deletion.postgres.ts';
export { createExternalSignInStore } from './external-sign-in.postgres.ts';
export { createIdentityStore } from './identities.postgres.ts';
export {
  closedKeyHolds,
  type KeyCharge,
  type KeyHold,
  keyLimits,
  openedKeyHolds,
} from './key-spending.postgres.ts';
export {
  API_KEY_ENTRIES_MAX,
  API_KEY_OPERATIONS_DEFAULT,
  CODES_INTERVAL_MS,
  CODES_PER_CLIENT_MAX,
  COUNTED_CLIENTS_MAX,
  PASSKEY_SIGN_INS_PER_CLIENT_MAX,
  PASSWORD_TRIES_PER_ADDRESS_MAX,
  PASSWORD_TRIES_PER_CLIENT_MAX,
  PASSWORD_TRIES_PER_KNOWN_DEVICE_MAX,
  USER_CODE_TRIES_MAX,
  USER_TOKEN_PREFIX,
} from './limits.ts';
export { createOfflineTokenStore } from './offline.postgres.ts';
export { createOfflineAccounts, type OfflineAccounts } from './offline.ts';
export type { PasskeyAnswer, RelyingParty } from './passkey-ports.ts';
export type { PasskeyQuestion } from './passkey-questions.ts';
export { createPasskeyStore } from './passkeys.postgres.ts';
export type { AnsweredQuestion } from './passkeys.ts';
export { createPasswordStore } from './passwords.postgres.ts';
export type {
  ClientLimiter,
  Estate,
  IdentityProvider,
  LiveConnections,
  MailSender,
  TenantMoney,
  TokenHash,
} from './ports.ts';
export { createProgramSignInStore } from './program-sign-in.postgres.ts';
export type { CollectOutcome } from './program-sign-in.ts';
export { createProofStore } from './proofs.postgres.ts';
export type { Proof } from './proofs.ts';
export { createRecoveryCodeStore } from './recovery-codes.postgres.ts';
export {
  createAccessTokenKeyStore,
  createRefreshStore,
  createSealedAccessTokenKeys,
} from './refresh-tokens.postgres.ts';
export type { TokenPair } from './refresh-tokens.ts';
export { type AccountService, createAccountService } from './service.ts';
export { createSignInStore } from './sign-in.postgres.ts';
export { canonicalMailAddress } from './sign-in.ts';
export { createSignInNoticeStore } from './sign-in-notices.postgres.ts';
export { createAccountStore } from './store.postgres.ts';
export {
  type Account,
  type AccountToken,
  type ApiKey,
  type LinkedIdentity,
  type NewAccount,
  type NewToken,
  type OwnAccount,
  type Passkey,
  TOKEN_KINDS,
} from './types.ts';
