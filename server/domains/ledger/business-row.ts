import type { BusinessRow, RowWriter } from './types.ts';

/** A row for a unit of work: `writer` writes it in the unit's transaction, together with the other rows of its kind. */
export function businessRow<Row>(writer: RowWriter<Row>, row: Row): BusinessRow {
  // The writer gets back what was given with it, and nothing else.
  return { writer: writer as RowWriter<unknown>, row };
}
