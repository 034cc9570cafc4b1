import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createAuditStore } from '../../../server/domains/audit/index.ts';
import { PASSING_RECEIPTS_BYTES_MAX } from '../../../server/domains/audit/limits.ts';
import { keptReceipts } from '../../../server/domains/audit/receipts.postgres.ts';
import type { NotedRecord } from '../../../server/domains/audit/types.ts';
import { asId, type TenantId } from '../../../server/kernel/ids.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(() => db?.close());

const tenant = () => asId<TenantId>(randomUUID());
const LONGEST = 102_400;

/** What a device of this tenant has registered and signed, the `index`th time. */
function registration(tenantId: TenantId, index: number, bytes = LONGEST) {
  const record: NotedRecord = {
    tenantId,
    atMs: 1_000 + index,
    principal: null,
    operation: 'providers.offer',
    class: 'change',
    outcome: 'done',
    objects: [],
    reason: null,
    leftOut: 0,
  };
  const content = String(index).padStart(bytes, '0');
  return { record, receipt: { subjectId: randomUUID(), partId: randomUUID(), accountId: null, content } };
}

const textsOf = (tenantId: TenantId) =>
  db.database.system('node', async (sql) => {
    const rows = await sql<{ content: string }[]>`
      SELECT content FROM audit_receipts WHERE tenant_id = ${tenantId} ORDER BY content`;
    return rows.map(({ content }) => Number(content));
  });

it('texts that a device may sign as often as it likes are bounded in bytes for a tenant: the oldest go, their records stay', async () => {
  const store = createAuditStore(db.database);
  const [hostile, other] = [tenant(), tenant()];
  const paid = registration(hostile, 0, 2_000);
  await db.database.system('money', (sql) =>
    keptReceipts.write(sql, [{ record: paid.record, ...paid.receipt }]),
  );
  const first = registration(other, 0);
  await store.note([{ ...first.record, receipt: first.receipt }]);
  const count = Math.ceil(PASSING_RECEIPTS_BYTES_MAX / LONGEST) + 10;
  for (let index = 1; index <= count; index += 7) {
    const some = Array.from({ length: Math.min(7, count + 1 - index) }, (_, at) => index + at);
    await store.note(
      some.map((at) => {
        const { record, receipt } = registration(hostile, at);
        return { ...record, receipt };
      }),
    );
  }
  const texts = await textsOf(hostile);
  const newest = Math.floor(PASSING_RECEIPTS_BYTES_MAX / LONGEST);
  expect(texts).toEqual([0, ...Array.from({ length: newest }, (_, at) => count - newest + 1 + at)]);
  expect(await textsOf(other)).toEqual([0]);
  await store.seal(500);
  const records = await store.listRecords(hostile, 0, 500);
  expect(records).toHaveLength(count + 1);
  expect(records.every(({ contentHash }) => contentHash !== null)).toBe(true);
});
