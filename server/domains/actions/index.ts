export { createJointStore } from './joint.postgres.ts';
export { createJointActionService } from './joint-actions.ts';
export { JOINT_OUTCOMES, type JointAction, type JointActionService } from './joint-types.ts';
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
