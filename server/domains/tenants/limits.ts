/** Accounts that are members of one tenant: far above a company's site, far below what would fill a database. */
export const MEMBERS_PER_TENANT_MAX = 1_000;

/** Networks that one membership is for; a tenant has no more than 100. */
export const MEMBERSHIP_NETWORKS_MAX = 100;

/** Tenants that one account owns: its home, and others that it made or was given. */
export const TENANTS_PER_OWNER_MAX = 20;

/** Open invitations of one tenant. */
export const INVITATIONS_PER_TENANT_MAX = 100;

/** Invitations that one tenant makes, and that one address is sent, within an hour: what they cost is other people's time. */
export const INVITATIONS_COUNT_MAX = 30;
export const INVITATIONS_INTERVAL_MS = 3_600_000;
/** Tenants and addresses whose invitations are counted. */
export const COUNTED_INVITERS_MAX = 50_000;

/** An invitation is good for so long, in milliseconds. */
export const INVITATION_MS = 7 * 86_400_000;

/** Marks a token as an invitation's. */
export const INVITATION_PREFIX = 'ygi_';

/** Random bytes of an invitation's token: 256 bits can't be guessed, so a fast hash is enough to store them. */
export const INVITATION_BYTES = 32;
