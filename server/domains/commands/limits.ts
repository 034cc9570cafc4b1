/** Commands of one tenant whose results may be waited for at a time. */
export const TENANT_WAITING_MAX = 200;
