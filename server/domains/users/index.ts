export { USER_TOKEN_PREFIX } from './limits.ts';
export type { TokenHash } from './ports.ts';
export { createUserService, type UserService } from './service.ts';
export { createUserStore } from './store.postgres.ts';
export type { NewUser, User, UserPage } from './types.ts';
