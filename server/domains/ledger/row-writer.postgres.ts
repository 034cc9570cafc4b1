import type { Sql } from '../../kernel/database.ts';

/**
 * Writes the rows of one kind. Called at most once a transaction, with the rows of this kind of all units in it, in the
 * order in which the units came: statements (`unnest`, `jsonb_to_recordset`) that don't depend on how many there are. All of
 * them begin within the call: they are sent with those of the other kinds and the transaction's end.
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

/** Why a guard refuses a unit. */
export type GuardRefusal =
  | 'spending_limit_reached'
  | 'spend_quota_day'
  | 'spend_quota_month'
  | 'spend_quota_held'
  | 'dispute_decided';

/**
 * Decides for another domain whether units may be carried out, in their transaction, before their commands are decided.
 * `load` is called once a transaction, and locks and reads what its rows need: its first statement, sent within the call, begins
 * when the ledger's accounts are locked. Guards are loaded in the order of their names.
 */
export interface Guard<Row> {
  readonly name: string;
  load(sql: Sql, rows: readonly Row[]): Promise<GuardJudge<Row>>;
}

/** Judges rows one after the other, each on what the ones before left. */
export interface GuardJudge<Row> {
  /** Why the row's unit is refused; or what takes the row back, should the unit not be carried out after all. */
  take(row: Row): GuardRefusal | (() => void);
}

/** A row that a guard judges. Made by `guardedRow`. */
export interface GuardedRow {
  readonly guard: Guard<unknown>;
  readonly row: unknown;
}

/** A row for a unit of work that `guard` judges before anything of the unit is carried out. */
export function guardedRow<Row>(guard: Guard<Row>, row: Row): GuardedRow {
  // The guard gets back what was given with it, and nothing else.
  return { guard: guard as Guard<unknown>, row };
}
