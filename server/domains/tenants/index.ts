export { MEMBERSHIP_NETWORKS_MAX } from './limits.ts';
export type {
  AccountDirectory,
  BroughtDevice,
  LiveConnections,
} from './ports.ts';
export { createTenantService, type TenantService } from './service.ts';
export {
  type BroughtDeviceRows,
  createTenantRows,
  createTenantStore,
  type TenantRows,
} from './store.postgres.ts';
export type {
  JoinedTenant,
  Member,
  MembershipGrant,
  Tenant,
} from './types.ts';
