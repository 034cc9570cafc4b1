export { countTenants, findTenantName, listHostedTenants, listOwners } from './counts.postgres.ts';
export { createInvitationStore } from './invitations.postgres.ts';
export { createLeavingRows, type LeavingRows } from './leaving.postgres.ts';
export {
  COUNTED_INVITERS_MAX,
  INVITATIONS_COUNT_MAX,
  INVITATIONS_INTERVAL_MS,
  MEMBERSHIP_NETWORKS_MAX,
} from './limits.ts';
export type { BroughtDeviceRows } from './membership-rows.postgres.ts';
export type { HomeRows } from './ownership.postgres.ts';
export type {
  AccountDirectory,
  BroughtDevice,
  LiveConnections,
} from './ports.ts';
export { fateOf } from './rules.ts';
export { createTenantService, type TenantService } from './service.ts';
export { createTenantRows, createTenantStore, type TenantRows } from './store.postgres.ts';
export type {
  Invitation,
  JoinedTenant,
  LeavingMembership,
  Member,
  MembershipGrant,
  Tenant,
} from './types.ts';
