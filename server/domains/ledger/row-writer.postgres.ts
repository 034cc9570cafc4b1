import type { Sql } from '../../kernel/database.ts';

/**
 * Writes the rows of one kind. Called at most once a transaction, with the rows of this kind of all units in it, in the
 * order in which the units came: one statement (`unnest`, `jsonb_to_recordset`) that doesn't depend on how many there are.
 * Writing the same rows again must change nothing, since a unit may be given again.
 */
export interface RowWriter<Row> {
  /** Kinds are written in the order of their names, the same on every node, so that two nodes never wait for each other. */
  readonly name: string;
  write(sql: Sql, rows: readonly Row[]): Promise<void>;
}

/** A row of another domain that commits together with commands. Made by `businessRow`. */
export interface BusinessRow {
  readonly writer: RowWriter<unknown>;
  readonly row: unknown;
}

/** A row for a unit of work: `writer` writes it in the unit's transaction, together with the other rows of its kind. */
export function businessRow<Row>(writer: RowWriter<Row>, row: Row): BusinessRow {
  // The writer gets back what was given with it, and nothing else.
  return { writer: writer as RowWriter<unknown>, row };
}
