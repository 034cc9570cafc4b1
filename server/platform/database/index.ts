export { findRunningDatabase } from './embedded/find-running.ts';
export { databaseFolder } from './embedded/place.ts';
export { isUnreachable, isWithoutTable } from './failures.ts';
export type { Migration } from './migrations/migration.ts';
export {
  type DatabaseOptions,
  type DatabaseSource,
  type OpenDatabase,
  openDatabase,
} from './open-database.ts';
