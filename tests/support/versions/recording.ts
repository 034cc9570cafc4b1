import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect } from '../../../server/platform/database/connect.ts';
import type { Migration } from '../../../server/platform/database/index.ts';
import type { CrashHousehold } from '../crash/household.ts';
import type { Readings } from './content.ts';

/** Where recordings are: one `<version>.json` and one `<version>.sql` for each version. */
export const RECORDED = new URL('./recorded/', import.meta.url).pathname;

/** A database as a released version left it. Its rows are in the `.sql` beside it. */
export interface Recording {
  readonly version: string;
  /** The steps of its schema, with the checksum of each: released, so never changed again. */
  readonly migrations: readonly { readonly name: string; readonly sha256: string }[];
  /** The text of its secrets file. */
  readonly secrets: string;
  readonly household: CrashHousehold;
  readonly answers: Readonly<Record<string, unknown>>;
  readonly readings: Readings;
}

/** The checksum of a step: of all that it does. */
export const checksumOf = ({ up, down }: Migration): string =>
  createHash('sha256')
    .update(JSON.stringify([up, down]))
    .digest('hex');

/** Every recording there is. */
export function readRecordings(): readonly Recording[] {
  return readdirSync(RECORDED)
    .filter((name) => name.endsWith('.json'))
    .sort()
    .map((name) => JSON.parse(readFileSync(join(RECORDED, name), 'utf8')) as Recording);
}

/** Tables in the order they were made, so that a row comes after those it refers to; not what a start makes anew, nor parts of tables. */
const TABLES = `
  SELECT relname AS name FROM pg_class
  WHERE relnamespace = 'yggdrasil'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
    AND relname NOT IN ('schema_migrations', 'scope_key', 'nodes', 'node_jobs', 'presence')
  ORDER BY oid`;

/** Statements that write all rows of the database at `url` into an empty one with the same schema. */
export async function dumpRows(url: string): Promise<string> {
  const owner = connect(url, { connectionsMax: 1 });
  const lines: string[] = [];
  try {
    for (const { name } of await owner.unsafe<{ name: string }[]>(TABLES)) {
      await owner.unsafe(`ALTER TABLE ${name} NO FORCE ROW LEVEL SECURITY`);
      const rows = await owner.unsafe<{ row: string }[]>(
        `SELECT to_json(t)::text AS row FROM ${name} t ORDER BY 1`,
      );
      for (const { row } of rows) {
        const text = row.replaceAll("'", "''");
        lines.push(
          `INSERT INTO ${name} OVERRIDING SYSTEM VALUE SELECT * FROM json_populate_record(NULL::${name}, '${text}');`,
        );
      }
    }
    const sequences = await owner<{ name: string; value: bigint }[]>`
      SELECT sequencename AS name, last_value AS value FROM pg_sequences
      WHERE schemaname = 'yggdrasil' AND last_value IS NOT NULL ORDER BY 1`;
    for (const { name, value } of sequences) lines.push(`SELECT setval('${name}', ${value});`);
  } finally {
    await owner.end();
  }
  return `${lines.join('\n')}\n`;
}

/**
 * Writes a recording's rows into the database at `url`, whose schema is the recording's. Its stored frames count as new:
 * what is older than the retention would be removed.
 */
export async function loadRows(url: string, version: string): Promise<void> {
  const owner = connect(url, { connectionsMax: 1 });
  try {
    await owner.begin(async (sql) => {
      const tables = (await sql.unsafe<{ name: string }[]>(TABLES)).map(({ name }) => name);
      const alterEach = (change: string) =>
        sql.unsafe(tables.map((name) => `ALTER TABLE ${name} ${change};`).join(''));
      await alterEach('NO FORCE ROW LEVEL SECURITY');
      await alterEach('DISABLE TRIGGER USER');
      await sql.unsafe(readFileSync(join(RECORDED, `${version}.sql`), 'utf8'));
      await sql`UPDATE relay_frames SET stored_at = now()`;
      await sql`SET CONSTRAINTS ALL IMMEDIATE`;
      await alterEach('ENABLE TRIGGER USER');
      await alterEach('FORCE ROW LEVEL SECURITY');
    });
  } finally {
    await owner.end();
  }
}
