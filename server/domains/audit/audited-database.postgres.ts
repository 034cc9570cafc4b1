import type { Actor } from '../../kernel/actor.ts';
import { type Database, type SystemJob, type Work, withLast } from '../../kernel/database.ts';
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
    begin: <Result>(work: Work<Result>) => Promise<Result>,
    work: Work<Value>,
  ): Promise<Value> => {
    const owed = recorder.owedTo(actor);
    if (owed === null) return begin(work);
    return begin(withLast(work, (sql) => noteIfWritten(sql, owed.record))).then(([value, isNoted]) => {
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
