import { DAY_MS } from '../../kernel/clock.ts';

/** For how long an answer is kept from when it was asked for, in milliseconds: as OpenAI does. */
export const ANSWERS_KEPT_MS = 30 * DAY_MS;
/** Answers of one account that are kept, */
export const ANSWERS_OF_ACCOUNT_MAX = 1_000;
/** their bytes, */
export const ANSWERS_OF_ACCOUNT_BYTES_MAX = 32 * 1_024 * 1_024;
/** those of all accounts of a tenant, */
export const ANSWERS_OF_TENANT_MAX = 4_000;
/** and their bytes. */
export const ANSWERS_OF_TENANT_BYTES_MAX = 128 * 1_024 * 1_024;
/** Answers that are looked up at a time: the items that one conversation names are of as many. */
export const ANSWERS_FOUND_MAX = 256;
