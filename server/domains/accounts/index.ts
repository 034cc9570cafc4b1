export { USER_TOKEN_PREFIX } from './limits.ts';
export type { TokenHash } from './ports.ts';
export { type AccountService, createAccountService } from './service.ts';
export { createAccountStore } from './store.postgres.ts';
export { type Account, type AccountToken, type NewAccount, TOKEN_KINDS } from './types.ts';
