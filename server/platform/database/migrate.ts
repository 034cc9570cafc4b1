import { type MigrationMeta, Umzug } from 'umzug';
import type { Logger } from '../../kernel/logger.ts';
import { StartError } from '../../kernel/start-error.ts';
import { type Client, connect } from './connect.ts';
import { MIGRATION_LOCK_TIMEOUT_MS } from './limits.ts';
import type { Migration } from './migrations/migration.ts';
import { rightsProblem } from './server.ts';

/** Key of the advisory lock that a migrating transaction holds: 'ygg' in ASCII. */
const MIGRATION_LOCK = 0x796767;

/** Moves the schema up and down as the owner of its tables. */
export interface Migrator {
  /** Applies what is missing, in order; gives the names. */
  up(): Promise<readonly string[]>;
  /** Takes back the last `count` steps with the data they held; gives the names, the last step first. */
  down(count: number): Promise<readonly string[]>;
}

/**
 * Runs one step and notes it in `schema_migrations` in the same transaction. Servers that migrate at once queue at the
 * lock; the second finds the note and does nothing.
 */
async function runStep(sql: Client, migration: Migration, direction: 'up' | 'down'): Promise<void> {
  await sql.begin(async (step) => {
    await step`SELECT pg_advisory_xact_lock(${MIGRATION_LOCK})`;
    const noted = await step`SELECT FROM schema_migrations WHERE name = ${migration.name}`;
    if (noted.length > 0 === (direction === 'up')) return;
    await step.unsafe(migration[direction]);
    if (direction === 'up') await step`INSERT INTO schema_migrations (name) VALUES (${migration.name})`;
    else await step`DELETE FROM schema_migrations WHERE name = ${migration.name}`;
  });
}

/** Makes the schema and its list of steps, which are there before the first step and after the last is taken back. */
async function prepareSchema(sql: Client): Promise<void> {
  await sql.begin(async (step) => {
    await step`SELECT pg_advisory_xact_lock(${MIGRATION_LOCK})`;
    await step`CREATE SCHEMA IF NOT EXISTS yggdrasil`;
    await step`
      CREATE TABLE IF NOT EXISTS schema_migrations (
        name text PRIMARY KEY,
        applied_at timestamptz NOT NULL DEFAULT now()
      )`;
  });
}

function createUmzug(sql: Client, migrations: readonly Migration[]) {
  return new Umzug({
    // A client is a function, and umzug would call a function to get its context.
    context: { sql },
    logger: undefined,
    migrations: migrations.map((migration) => ({
      name: migration.name,
      up: () => runStep(sql, migration, 'up'),
      down: () => runStep(sql, migration, 'down'),
    })),
    storage: {
      executed: async () => {
        const rows = await sql<{ name: string }[]>`SELECT name FROM schema_migrations ORDER BY name`;
        return rows.map((row) => row.name);
      },
      // `runStep` keeps the note in the step's own transaction.
      logMigration: async () => {},
      unlogMigration: async () => {},
    },
  });
}

/** Refuses with StartError a schema that a newer version has changed: what this one would write may not fit it. */
async function requireKnown(umzug: ReturnType<typeof createUmzug>, sql: Client): Promise<void> {
  const known = new Set((await umzug.executed()).map(({ name }) => name));
  const rows = await sql<{ name: string }[]>`SELECT name FROM schema_migrations ORDER BY name`;
  const unknown = rows.map(({ name }) => name).filter((name) => !known.has(name));
  if (unknown.length > 0) {
    throw new StartError(
      `The database has schema steps that this version doesn't know (${unknown.join(', ')}): ` +
        'a newer version has run on it. Run that version, or take the steps back with it.',
    );
  }
}

/** A migrator that connects with the owner's `url` for each run. */
export function createMigrator(
  url: string,
  migrations: readonly Migration[],
  dependencies: { logger: Logger },
): Migrator {
  const run = async (
    direction: 'up' | 'down',
    move: (umzug: ReturnType<typeof createUmzug>) => Promise<MigrationMeta[]>,
  ): Promise<readonly string[]> => {
    const sql = connect(url, {
      connectionsMax: 1,
      settings: { lock_timeout: String(MIGRATION_LOCK_TIMEOUT_MS) },
    });
    try {
      await prepareSchema(sql);
      const umzug = createUmzug(sql, migrations);
      await requireKnown(umzug, sql);
      const names = (await move(umzug)).map(({ name }) => name);
      if (names.length > 0) {
        dependencies.logger.info({ operation: 'database.migrate', direction, names }, 'schema changed');
      }
      return names;
    } catch (error) {
      throw rightsProblem(url, error) ?? error;
    } finally {
      await sql.end({ timeout: 5 });
    }
  };
  return {
    up: () => run('up', (umzug) => umzug.up()),
    down: (count) => run('down', (umzug) => umzug.down({ step: count })),
  };
}
