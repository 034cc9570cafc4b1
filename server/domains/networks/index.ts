export { createNetworkService, type NetworkService } from './service.ts';
export { createNetworkStore, type NetworkDeviceRows } from './store.postgres.ts';
export type { Network } from './types.ts';
