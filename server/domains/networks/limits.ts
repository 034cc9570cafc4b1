/** Networks a tenant may have: far above a household's need, far below what would fill a database. */
export const NETWORKS_PER_TENANT_MAX = 100;
