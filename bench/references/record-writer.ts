import { createAuditStore } from '../../server/domains/audit/index.ts';
import { asId, type TenantId } from '../../server/kernel/ids.ts';
import { openBenchDatabase } from '../processes/database.ts';

/** How long, and how many wait for a record of theirs at the same time. */
export interface RecordsRun {
  readonly seconds: number;
  readonly callers: number;
}

/** The writer of the audit alone: each record in a transaction of its own, as one that a change brings is. */
export function createPart() {
  let note: (tenantId: TenantId) => Promise<void> = () => Promise.reject(new Error('not open'));
  let newTenantId: () => TenantId = () => asId<TenantId>('');
  let end = async () => {};
  return {
    open: async (_: null) => {
      const { database, system, close } = await openBenchDatabase(1);
      const { clock, random } = system;
      const store = createAuditStore(database);
      newTenantId = () => asId<TenantId>(random.uuid());
      note = (tenantId) =>
        store.note([
          {
            tenantId,
            atMs: clock.nowMs(),
            principal: `account:${tenantId}`,
            operation: 'tenants.rename',
            class: 'change',
            outcome: 'done',
            objects: [tenantId],
            reason: null,
            leftOut: 0,
          },
        ]);
      end = close;
    },
    /** Records a second. */
    run: async ({ seconds, callers }: RecordsRun): Promise<number> => {
      let records = 0;
      const begunMs = performance.now();
      const call = async (tenantId: TenantId) => {
        while (performance.now() - begunMs < seconds * 1000) {
          await note(tenantId);
          records++;
        }
      };
      await Promise.all(Array.from({ length: callers }, () => call(newTenantId())));
      return (records * 1000) / (performance.now() - begunMs);
    },
    close: (_: null) => end(),
  };
}

export type RecordWriter = ReturnType<typeof createPart>;
