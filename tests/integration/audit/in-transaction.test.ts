import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  auditedDatabase,
  createAuditRecorder,
  createAuditStore,
} from '../../../server/domains/audit/index.ts';
import { asId, type TenantId } from '../../../server/kernel/ids.ts';
import { createSystemClock } from '../../../server/platform/system/clock.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { silentLogger } from '../../support/logger.ts';

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(() => db?.close());

/** An operation of a tenant that begins, and what it left in its log. */
function operation(name = 'networks.update') {
  const store = createAuditStore(db.database);
  const recorder = createAuditRecorder({
    store,
    clock: createSystemClock(),
    logger: silentLogger,
    noted: () => {},
  });
  const tenantId = asId<TenantId>(randomUUID());
  const actor = { kind: 'service', tenantId, service: 'test' } as const;
  const entry = recorder.begin({ operation: name, audit: 'change', actor, requestId: 'request' });
  const insert = () =>
    auditedDatabase(db.database, recorder).system('identity', async (sql) => {
      await sql`INSERT INTO tenants (id) VALUES (${tenantId})`;
    });
  const isThere = () =>
    db.database.system('identity', async (sql) => {
      const rows = await sql`SELECT FROM tenants WHERE id = ${tenantId}`;
      return rows.count > 0;
    });
  const records = async () => {
    await store.seal(100);
    return (await store.listRecords(tenantId, 0, 10)).map(({ outcome }) => outcome);
  };
  return { entry, insert, isThere, records, tenantId, recorder };
}

it('what is written has its record before the operation ends, and one alone', async () => {
  const { entry, insert, isThere, records } = operation();
  await entry.run(insert);
  expect([await isThere(), await records()]).toEqual([true, ['done']]);
  await entry.end(null);
  expect(await records()).toEqual(['done']);
});

it('what fails leaves no record of what it would have done', async () => {
  const { entry, insert, records } = operation();
  await insert();
  await expect(entry.run(insert)).rejects.toThrow(/duplicate key/);
  await entry.end('conflict');
  expect(await records()).toEqual([]);
});

it('what can not be recorded is not done', async () => {
  const { entry, insert, isThere } = operation('no name of an operation');
  await expect(entry.run(insert)).rejects.toThrow(/check constraint/);
  expect(await isThere()).toBe(false);
});

it('what only reads has its record when the operation ends', async () => {
  const { entry, isThere, records, recorder } = operation();
  await entry.run(() => auditedDatabase(db.database, recorder).system('identity', (sql) => sql`SELECT 1`));
  expect([await isThere(), await records()]).toEqual([false, []]);
  await entry.end(null);
  expect(await records()).toEqual(['done']);
});

it('a transaction that carries out what others want has no record of this operation', async () => {
  const { entry, insert, records, recorder } = operation();
  await entry.run(() => recorder.outside(insert));
  expect(await records()).toEqual([]);
});
