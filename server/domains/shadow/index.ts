export type { DeviceOutlets } from './ports.ts';
export { type AskedShadow, createShadowService, type ShadowService } from './service.ts';
export { createShadowStore } from './store.postgres.ts';
export type { Shadow, ShadowOwner, State, StateChange, StateValue, VersionedState } from './types.ts';
