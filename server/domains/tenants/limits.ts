/** Accounts that are members of one tenant: far above a company's site, far below what would fill a database. */
export const MEMBERS_PER_TENANT_MAX = 1_000;

/** Networks that one membership is for; a tenant has no more than 100. */
export const MEMBERSHIP_NETWORKS_MAX = 100;
