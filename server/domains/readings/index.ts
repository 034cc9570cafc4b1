export { RETENTION_DAYS_MAX } from './limits.ts';
export { createReadingService, type ReadingService } from './service.ts';
export { createReadingStore, listSeries } from './store.postgres.ts';
export {
  AGGREGATES,
  type Aggregate,
  type KeptReading,
  type ReadingPoint,
  type SaidReading,
} from './types.ts';
