import type { Database, Sql } from '../../kernel/database.ts';
import type { MeasureStore } from './ports.ts';
import type { AbuseKind, AbuseMeasure, MeasureKind, Subject } from './types.ts';

interface MeasureRow {
  id: string;
  subject_kind: Subject['kind'];
  subject: string;
  measure: MeasureKind;
  kind: AbuseKind;
  count: number;
  began_at: Date;
  ends_at: Date;
}

const toMeasure = (row: MeasureRow): AbuseMeasure => ({
  id: row.id,
  subject: { kind: row.subject_kind, id: row.subject },
  measure: row.measure,
  kind: row.kind,
  count: row.count,
  beganAtMs: row.began_at.getTime(),
  endsAtMs: row.ends_at.getTime(),
});

/** Measures in PostgreSQL. */
export function createMeasureStore(database: Database): MeasureStore {
  const system = <T>(work: (sql: Sql) => Promise<T>) => database.system('identity', work);
  return {
    list: (nowMs, limit) =>
      system(async (sql) => {
        const rows = await sql<MeasureRow[]>`
          SELECT * FROM (
            SELECT * FROM abuse_measures WHERE ends_at > ${new Date(nowMs)} ORDER BY began_at DESC LIMIT ${limit}
          ) newest ORDER BY began_at, id`;
        return rows.map(toMeasure);
      }),

    put: ({ id, subject, measure, kind, count, beganAtMs, endsAtMs }) =>
      system(async (sql) => {
        await sql`
          INSERT INTO abuse_measures (id, subject_kind, subject, measure, kind, count, began_at, ends_at)
          VALUES (${id}, ${subject.kind}, ${subject.id}, ${measure}, ${kind}, ${Math.floor(count)},
            ${new Date(beganAtMs)}, ${new Date(endsAtMs)})
          ON CONFLICT (subject_kind, subject) DO UPDATE SET id = excluded.id, measure = excluded.measure,
            kind = excluded.kind, count = excluded.count, began_at = excluded.began_at, ends_at = excluded.ends_at`;
      }),

    remove: (id) =>
      system(async (sql) => {
        await sql`DELETE FROM abuse_measures WHERE id = ${id}`;
      }),

    removeEnded: (nowMs) =>
      system(async (sql) => {
        await sql`DELETE FROM abuse_measures WHERE ends_at <= ${new Date(nowMs)}`;
      }),
  };
}
