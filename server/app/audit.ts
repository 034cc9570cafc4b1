import type { Config } from '../config/index.ts';
import {
  type AuditRecorder,
  auditedDatabase,
  createAuditLog,
  createAuditRecorder,
  createAuditService,
  createAuditStore,
  createReceiptStore,
  loadSigningKeys,
  noteAll,
  type SigningKeys,
} from '../domains/audit/index.ts';
import { businessRow, type LedgerWriter, type RowWriter } from '../domains/ledger/index.ts';
import { startAuditJobs } from '../jobs/audit-jobs.ts';
import type { RepeatedJob } from '../jobs/repeat.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Database } from '../kernel/database.ts';
import type { Ed25519 } from '../kernel/ed25519.ts';
import { InvariantError } from '../kernel/errors.ts';
import type { JobLease } from '../kernel/lease.ts';
import type { Logger } from '../kernel/logger.ts';
import type { Random } from '../kernel/random.ts';
import type { SecretBox } from '../kernel/secret-box.ts';
import type { Part } from './lifecycle.ts';

/** The audit, and the database whose transactions note their records. */
export type AuditParts = ReturnType<typeof buildAudit>;

/** Builds the audit over a database that knows nothing of it. */
export function buildAudit(
  config: Config,
  database: Database,
  dependencies: {
    readonly secretBox: SecretBox;
    readonly ed25519: Ed25519;
    readonly clock: Clock;
    readonly random: Random;
    readonly logger: Logger;
  },
) {
  const { clock, logger } = dependencies;
  const store = createAuditStore(database);
  let loaded: SigningKeys | null = null;
  const keys = (): SigningKeys => {
    if (loaded === null) throw new InvariantError('the keys of the audit are not loaded');
    return loaded;
  };
  const log = createAuditLog(
    { retentionDays: config.auditRetentionDays },
    { store, keys, clock, logger, flush: () => recorder.flush() },
  );
  const recorder = createAuditRecorder({ store, clock, logger, noted: () => log.poke() });
  return {
    log,
    recorder,
    service: createAuditService({
      store,
      receipts: createReceiptStore(database),
      log,
      recorder,
      keys,
      clock,
      ed25519: dependencies.ed25519,
    }),
    database: auditedDatabase(database, recorder),
    /** The same around another way to the database: what that does for itself is then no part of what an operation has written. */
    databaseThrough: (way: (database: Database) => Database) => auditedDatabase(way(database), recorder),
    async loadKeys() {
      loaded = await loadSigningKeys(store, dependencies);
    },
  };
}

/** The chains of the audit: what was noted until all else has stopped has its place, and is signed for. */
export function auditPart({
  audit,
  node,
  clock,
  logger,
}: {
  readonly audit: AuditParts;
  readonly node: JobLease;
  readonly clock: Clock;
  readonly logger: Logger;
}): Part {
  let jobs: RepeatedJob | null = null;
  return {
    name: 'audit',
    async start() {
      await audit.loadKeys();
      // What a crash left.
      await audit.log.seal();
      jobs = startAuditJobs({ log: audit.log, lease: node, clock, logger });
    },
    async stop() {
      if (jobs === null) return;
      await jobs.stop();
      await audit.log.stop();
    },
  };
}

type RecordRow = Parameters<typeof noteAll>[1][number];

/**
 * Notes records in the transaction of the units they come with. A unit that is given again, because its commit wasn't
 * confirmed, may leave a second record.
 */
const recordRows: RowWriter<RecordRow> = { name: 'audit', write: noteAll };

/** The ledger's writer, for units that bring the record of the operation that they are part of. */
export function recordingWriter(
  writer: Pick<LedgerWriter, 'submit'>,
  recorder: Pick<AuditRecorder, 'owedTo'>,
): Pick<LedgerWriter, 'submit'> {
  return {
    async submit(unit) {
      const owed = recorder.owedTo(null);
      if (owed === null) return writer.submit(unit);
      const rows = [...unit.rows, businessRow(recordRows, owed.record)];
      const outcome = await writer.submit({ ...unit, rows });
      if (outcome.ok) owed.kept();
      return outcome;
    },
  };
}
