export {
  ASK_WAIT_MS,
  ASK_WAIT_MS_MAX,
  ASKS_INTERVAL_MS,
  ASKS_MAX,
  COUNTED_MAX,
  DISTURBANCES_INTERVAL_MS,
  DISTURBANCES_MAX,
  OPERATION_CHARACTERS_MAX,
  OPERATIONS_MAX,
  REASON_CHARACTERS_MAX,
  WITHOUT_CONTROL,
} from './limits.ts';
export { PermissionBook } from './permission-book.ts';
export type { AskingIdentity, PairingOutlet } from './ports.ts';
export { stateOf } from './rules.ts';
export { createPairingService, type PairingService } from './service.ts';
export { createPairingStore } from './store.postgres.ts';
export {
  type Decision,
  PAIR_STATES,
  type Pairing,
  type PairingView,
  type PairState,
  STANDING_RULES,
  type StandingRule,
} from './types.ts';
