export { announcementOf, isAnnouncement } from './announcement.ts';
export { type ForeignCommand, ForeignDevice } from './foreign-device.ts';
export type { DeviceDirectory } from './ports.ts';
export { kindOf } from './rules.ts';
export { createDiscoveryService, type DiscoveryService } from './service.ts';
export { createDiscoveryStore } from './store.postgres.ts';
export type { KnownCapabilities } from './types.ts';
