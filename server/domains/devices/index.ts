export { createMembershipStore, type MembershipStore } from './memberships.postgres.ts';
export type { Presence } from './ports.ts';
export { createDeviceService, type DeviceService } from './service.ts';
export { createDeviceRows, createDeviceStore } from './store.postgres.ts';
export {
  type Device,
  type DeviceCapabilities,
  type DeviceIdentity,
  type Membership,
  type RegisteredDevice,
  WORLD_TYPES,
  type WorldType,
} from './types.ts';
