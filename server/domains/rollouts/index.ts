export {
  AT_ONCE_MAX,
  NAMED_DEVICES_MAX,
  PER_MINUTE_MAX,
} from './limits.ts';
export type { UpdateOutlet } from './ports.ts';
export { createRolloutService, type RolloutService } from './service.ts';
export { createRolloutStore, type RolloutEndRecorder } from './store.postgres.ts';
export {
  DEVICE_STATES,
  type DeviceReport,
  type ReportedState,
  ROLLOUT_STATES,
  type RolloutDevice,
  type RolloutProgress,
  type UpdateOffered,
} from './types.ts';
