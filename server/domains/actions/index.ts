export {
  ARGUMENTS_MAX,
  CHUNK_BYTES_MAX,
  NAME_CHARACTERS_MAX,
  PRIORITY,
  PRIORITY_MAX,
  TIMEOUT_MS,
  TIMEOUT_MS_MAX,
} from './limits.ts';
export type { ActionDependencies, ActionOutlet, ActionStore } from './ports.ts';
export { type ActionService, createActionService } from './service.ts';
export { createActionStore } from './store.postgres.ts';
export {
  ACTION_STATES,
  type ActingDevice,
  type Action,
  type ActionChange,
  type ActionEnd,
  type ActionEvent,
  type AskedAction,
  type EndState,
} from './types.ts';
