import type { Actor } from '../../kernel/actor.ts';
import type { Database, Sql, SystemJob } from '../../kernel/database.ts';
import type { AuditRecorder } from './recorder.ts';
import { noteIfWritten } from './store.postgres.ts';

/** Jobs whose transactions do what a caller asks. Those of the others carry out what many ask, or what nobody does. */
const ASKED_JOBS: ReadonlySet<SystemJob> = new Set(['identity', 'money']);

/**
 * The database, whose transactions note the record of the operation that they are part of, when they write something: what
 * is done and that it was done are kept together, or neither is.
 */
export function auditedDatabase(database: Database, recorder: Pick<AuditRecorder, 'owedTo'>): Database {
  const withRecord = <Value>(
    actor: Actor | null,
    begin: (work: (sql: Sql) => Promise<Value>) => Promise<Value>,
    work: (sql: Sql) => Promise<Value>,
  ): Promise<Value> => {
    const owed = recorder.owedTo(actor);
    if (owed === null) return begin(work);
    let isNoted = false;
    return begin(async (sql) => {
      const value = await work(sql);
      isNoted = await noteIfWritten(sql, owed.record);
      return value;
    }).then((value) => {
      if (isNoted) owed.kept();
      return value;
    });
  };
  return {
    tenant: (actor, work) => withRecord(actor, (begun) => database.tenant(actor, begun), work),
    read: (actor, read) => database.read(actor, read),
    system: (job, work) =>
      ASKED_JOBS.has(job)
        ? withRecord(null, (begun) => database.system(job, begun), work)
        : database.system(job, work),
  };
}
