export { createBootstrapStore } from './bootstrap.postgres.ts';
export type { BootstrapKey } from './bootstrap-types.ts';
export { createClaimStore } from './claims.postgres.ts';
export type { DeviceClaims } from './claims.ts';
export { countDevices, findGuests } from './counts.postgres.ts';
export {
  type DeviceDescription,
  describeDevices,
  identifyDevice,
  listDevicesOf,
  pageDevicesOf,
} from './descriptions.postgres.ts';
export {
  BOOTSTRAP_DEVICES_MAX,
  CLAIM_POLL_SECONDS,
  COUNTED_LOGINS_MAX,
  CREDENTIAL_OVERLAP_SECONDS_MAX,
  LOGIN_FAILURES_OF_ADDRESS_MAX,
  LOGIN_PASSWORD_LENGTH_MAX,
  LOGIN_PASSWORD_LENGTH_MIN,
  LOGIN_TRIES_FROM_ADDRESS_MAX,
  LOGIN_TRIES_INTERVAL_MS,
  LOGIN_TRIES_OF_NAME_MAX,
} from './limits.ts';
export { createLoginStore } from './logins.postgres.ts';
export { createMembershipStore, type MembershipStore } from './memberships.postgres.ts';
export type { NetworkOfDevice, Presence } from './ports.ts';
export {
  createSealedClaims,
  createSealedPreviousKeys,
  createSealedSigningKeys,
} from './sealed-rows.postgres.ts';
export { createDeviceService, type DeviceService } from './service.ts';
export { createDeviceRows, createDeviceStore } from './store.postgres.ts';
export {
  type ClaimCredentials,
  DEVICE_STATUSES,
  type Device,
  type DeviceCapabilities,
  type DeviceIdentity,
  type DeviceStatus,
  type Membership,
  type RegisteredDevice,
  WORLD_TYPES,
  type WorldType,
} from './types.ts';
