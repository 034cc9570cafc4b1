export { isUnreachable } from './failures.ts';
export type { Migration } from './migrations/migration.ts';
export {
  type DatabaseOptions,
  type DatabaseSource,
  type OpenDatabase,
  openDatabase,
} from './open-database.ts';
