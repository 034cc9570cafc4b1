import { AsyncLocalStorage } from 'node:async_hooks';
import type { Actor } from '../../kernel/actor.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { DeviceSignature } from '../../kernel/device-signature.ts';
import { gather } from '../../kernel/gather.ts';
import { isUuid, type TenantId } from '../../kernel/ids.ts';
import type { Logger } from '../../kernel/logger.ts';
import {
  NOTED_TOGETHER_MAX,
  OBJECTS_MAX,
  UNKNOWN_PER_DAY_MAX,
  UNKNOWN_PER_MINUTE_BEYOND_MAX,
  UNKNOWN_PER_MINUTE_MAX,
} from './limits.ts';
import { OccasionalRoom } from './occasional-room.ts';
import type { AuditStore } from './ports.ts';
import { isRecorded, isRecordedRefusal, recordClassOf } from './rules.ts';
import { signedReceipt } from './signed-receipt.ts';
import { type NotedRecord, PLATFORM, principalOf } from './types.ts';

/** Who does what, as the pipeline says it. */
export interface RecordedOperation {
  readonly operation: string;
  readonly audit: 'refusals' | 'access' | 'change' | 'money';
  /** Null: somebody unknown. */
  readonly actor: Actor | null;
  /** Null where the call came over a connection. */
  readonly requestId: string | null;
  /** What it is about; what is no id is left out. */
  readonly objects?: readonly string[];
  /** What the device signed of it, once that was found to be right. */
  readonly signature?: () => DeviceSignature | null;
}

/** An operation that was begun. */
export interface RecordedEntry {
  /** Does `work` so that transactions in it can note this operation's record themselves. */
  run<Value>(work: () => Value): Value;
  /** How it ended; null: it was done. Resolves when that is kept, unless it was so already. */
  end(code: string | null): void | Promise<void>;
}

/** A record for a transaction that writes. */
export interface OwedRecord {
  readonly record: NotedRecord;
  /** The transaction has committed with it. */
  kept(): void;
}

/** Notes who does what. */
export interface AuditRecorder {
  begin(subject: RecordedOperation): RecordedEntry;
  /**
   * The record that a transaction of this tenant (null: of a job of the server) has to note when it writes something; null:
   * nothing is being done here that wants one, or it has one.
   */
  owedTo(actor: Actor | null): OwedRecord | null;
  /** Does `work` for nobody: transactions that carry out what several callers want note no record of one of them. */
  outside<Value>(work: () => Value): Value;
  /** Notes a record in a transaction of its own. */
  note(record: NotedRecord): Promise<void>;
  /** Resolves when everything is noted that nobody waits for. */
  flush(): Promise<void>;
}

/** What recording needs. */
export interface RecorderDependencies {
  readonly store: Pick<AuditStore, 'note'>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Something was noted, and waits for its place. */
  readonly noted: () => void;
}

/** Builds the recorder. */
export function createAuditRecorder({ store, clock, logger, noted }: RecorderDependencies): AuditRecorder {
  const running = new RunningOperations();
  const rooms = { occasional: new OccasionalRoom(clock), unknown: new OccasionalRoom(clock, OF_UNKNOWN) };
  const keep = gather(async (records: readonly NotedRecord[]) => {
    await store.note(records);
    return records.map(() => undefined);
  }, NOTED_TOGETHER_MAX);
  const note = async (record: NotedRecord) => {
    await keep(record);
    noted();
  };
  let idle: Promise<void> = Promise.resolve();
  const noteLater = (record: NotedRecord): void => {
    const isNoted = note(record).catch((error: unknown) => {
      logger.error({ operation: 'audit.note', recorded: record.operation, error }, 'a record is lost');
    });
    const before = idle;
    idle = isNoted.then(() => before);
  };
  return {
    begin: (subject) => new Entry(subject, { running, rooms, clock, note, noteLater, noted }),
    owedTo: (actor) => running.current?.owedTo(actor) ?? null,
    outside: (work) => running.outside(work),
    note,
    flush: () => idle,
  };
}

/** Of what callers did whom nobody knows. */
const OF_UNKNOWN = {
  perMinute: UNKNOWN_PER_MINUTE_MAX,
  perDay: UNKNOWN_PER_DAY_MAX,
  perMinuteBeyond: UNKNOWN_PER_MINUTE_BEYOND_MAX,
};

interface EntryDependencies {
  readonly running: RunningOperations;
  readonly rooms: Readonly<Record<'occasional' | 'unknown', OccasionalRoom>>;
  readonly clock: Clock;
  readonly note: (record: NotedRecord) => Promise<void>;
  readonly noteLater: (record: NotedRecord) => void;
  readonly noted: () => void;
}

/**
 * Which operation the code at hand works for. Node follows that from promise to promise, which makes every promise of the process
 * dearer (a relayed frame by a third, on Node 20): so it does while operations run that are recorded, and not in between.
 */
class RunningOperations {
  readonly #storage = new AsyncLocalStorage<Entry | null>();
  #count = 0;

  get current(): Entry | null {
    return this.#storage.getStore() ?? null;
  }

  /** Does the work of an operation, which has to be `ended` later. */
  run<Value>(entry: Entry, work: () => Value): Value {
    this.#count++;
    return this.#storage.run(entry, work);
  }

  ended(): void {
    this.#count--;
    if (this.#count === 0) this.#storage.disable();
  }

  outside<Value>(work: () => Value): Value {
    return this.#count === 0 ? work() : this.#storage.run(null, work);
  }
}

/** One operation while it runs. */
class Entry implements RecordedEntry {
  readonly #subject: RecordedOperation;
  readonly #dependencies: EntryDependencies;
  readonly #atMs: number;
  readonly #tenantId: TenantId;
  /** The chains that have its record already. */
  readonly #keptIn = new Set<TenantId>();
  /** What was left out of what strangers did, before this; null: there is no room for this one either; undefined: not asked yet. */
  #roomOfUnknown: number | null | undefined;
  #isRunning = false;
  #isOver = false;

  constructor(subject: RecordedOperation, dependencies: EntryDependencies) {
    this.#subject = subject;
    this.#dependencies = dependencies;
    this.#atMs = dependencies.clock.nowMs();
    this.#tenantId = subject.actor?.tenantId ?? PLATFORM;
  }

  run<Value>(work: () => Value): Value {
    this.#isRunning = true;
    return this.#dependencies.running.run(this, work);
  }

  /** A transaction of another tenant counts where the same account acts in it: who joins a tenant stands in both logs. */
  owedTo(actor: Actor | null): OwedRecord | null {
    const { audit, operation } = this.#subject;
    if (this.#isOver || recordClassOf(audit) === 'access' || !isRecorded(operation, null)) return null;
    const tenantId = actor?.tenantId ?? this.#tenantId;
    if (this.#keptIn.has(tenantId)) return null;
    if (tenantId !== this.#tenantId && principalOf(actor) !== principalOf(this.#subject.actor)) return null;
    const leftOut = this.#takeUnknown() ?? 0;
    if (this.#roomOfUnknown === null) return null;
    return {
      record: this.#recordOf('done', tenantId, leftOut),
      kept: () => {
        this.#keptIn.add(tenantId);
        this.#dependencies.noted();
      },
    };
  }

  end(code: string | null): void | Promise<void> {
    if (this.#isRunning) this.#dependencies.running.ended();
    this.#isRunning = false;
    this.#isOver = true;
    const { operation, audit, requestId } = this.#subject;
    if (!isRecorded(operation, code)) return;
    const isKept = this.#keptIn.has(this.#tenantId);
    if (code === null ? isKept : !(isKept || isRecordedRefusal(operation, code))) return;
    const isOccasional =
      recordClassOf(audit) === 'access' || requestId === null || !(isKept || code === null);
    const leftOut = isOccasional
      ? this.#dependencies.rooms.occasional.take(this.#tenantId)
      : this.#takeUnknown();
    if (leftOut === null) return;
    const record = this.#recordOf(code ?? 'done', this.#tenantId, leftOut);
    // A refusal is told whether it could be kept or not, and a connection doesn't wait for it.
    if (code !== null || requestId === null) return this.#dependencies.noteLater(record);
    return this.#dependencies.note(record);
  }

  /** Takes the room of one record, once; null: there is none. Who is known needs none. */
  #takeUnknown(): number | null {
    if (this.#subject.actor !== null) return 0;
    if (this.#roomOfUnknown === undefined)
      this.#roomOfUnknown = this.#dependencies.rooms.unknown.take(this.#tenantId);
    return this.#roomOfUnknown;
  }

  #recordOf(outcome: string, tenantId: TenantId, leftOut: number): NotedRecord {
    const { operation, audit, actor, objects = [] } = this.#subject;
    return {
      tenantId,
      atMs: this.#atMs,
      principal: principalOf(actor),
      operation,
      class: recordClassOf(audit),
      outcome,
      // What a refused caller names may be anybody's.
      objects: outcome === 'done' ? objects.filter(isUuid).slice(0, OBJECTS_MAX) : [],
      reason: null,
      leftOut,
      ...(outcome === 'done' ? this.#signedPart() : {}),
    };
  }

  /** What a device signed of a request is kept under the request's name. */
  #signedPart(): Pick<NotedRecord, 'receipt'> {
    const { operation, actor, requestId, signature } = this.#subject;
    const signed = signature?.() ?? null;
    if (signed === null || requestId === null || actor?.kind !== 'device') return {};
    const { deviceId } = actor;
    return { receipt: signedReceipt({ request: requestId, deviceId, operation }, signed) };
  }
}
