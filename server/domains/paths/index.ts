export type { PathOutlet } from './ports.ts';
export { createPathService, type PathService } from './service.ts';
export { createPathStore } from './store.postgres.ts';
export {
  DEVICE_PATH_RULES,
  type DevicePathRule,
  type DirectPath,
  type PathAnswer,
  type PathPeer,
  type PathStatus,
} from './types.ts';
