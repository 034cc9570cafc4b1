export { COUNTED_MAX, LISTED_MAX, RECIPIENTS_MAX, THROTTLED_PER_MINUTE } from './limits.ts';
export type { AlertOutlets, LiveSubjects } from './ports.ts';
export { refusalOf } from './rules.ts';
export {
  type AbuseService,
  createAbuseService,
  type GuardedCall,
  type RefusedCall,
} from './service.ts';
export { createMeasureStore } from './store.postgres.ts';
export { ABUSE_KINDS, type AbuseMeasure, MEASURES, type Subject } from './types.ts';
