import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AccountActor } from '../../../server/kernel/actor.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { createMarket, eventsOf, type FakeProvider } from '../../support/market.ts';

/*
 * Statements by hand, under the role that every request of a tenant runs under: what the other side of a transaction must
 * never learn is refused by the database itself.
 */
let db: TestDatabase;
let alice: AccountActor;
let provider: FakeProvider;
let transactionId: string;
beforeAll(async () => {
  db = await createTestDatabase();
  const market = createMarket(db);
  alice = await market.customer(1_000);
  provider = await market.provider();
  provider.onRequest = (request) => market.answer(provider, request, ['Hello']);
  const answer = await market.requests.createRequest(alice, market.order());
  transactionId = answer.transactionId;
  await eventsOf(answer);
});
afterAll(() => db.close());

const PERMISSION_DENIED = expect.objectContaining({ code: '42501' });

describe('a tenant', () => {
  it('reads its own side of a transaction, and nothing of the other', async () => {
    const served = await db.database.tenant(
      provider.owner,
      (sql) => sql`SELECT transaction_id, tenant_id FROM marketplace_served`,
    );
    expect(served).toEqual([{ transaction_id: transactionId, tenant_id: provider.owner.tenantId }]);
    const asked = await db.database.tenant(
      alice,
      (sql) => sql`SELECT id, tenant_id FROM marketplace_transactions`,
    );
    expect(asked).toEqual([{ id: transactionId, tenant_id: alice.tenantId }]);
    const others = await db.database.tenant(
      alice,
      (sql) => sql`SELECT transaction_id FROM marketplace_served`,
    );
    expect(others).toHaveLength(0);
  });

  it("can't read which device served, not even of its own devices", async () => {
    await expect(
      db.database.tenant(provider.owner, (sql) => sql`SELECT device_id FROM marketplace_served`),
    ).rejects.toEqual(PERMISSION_DENIED);
    await expect(db.database.tenant(alice, (sql) => sql`SELECT * FROM marketplace_served`)).rejects.toEqual(
      PERMISSION_DENIED,
    );
    const rows = await db.database.system('money', (sql) => sql`SELECT device_id FROM marketplace_served`);
    expect(rows).toEqual([{ device_id: provider.actor.deviceId }]);
  });

  it.each(['provider_tenant_id', 'provider_device_id', 'node_id', 'hold_id'])(
    "can't read %s of a transaction that it asked for",
    async (column) => {
      await expect(
        db.database.tenant(alice, (sql) => sql`SELECT ${sql(column)} FROM marketplace_transactions`),
      ).rejects.toEqual(PERMISSION_DENIED);
    },
  );

  it("can't read what providers claim, nor who is confirmed", async () => {
    await expect(
      db.database.tenant(provider.owner, (sql) => sql`SELECT claimed_tokens FROM marketplace_claims`),
    ).rejects.toEqual(PERMISSION_DENIED);
    await expect(
      db.database.tenant(provider.owner, (sql) => sql`SELECT can_be_paid FROM payment_standings`),
    ).rejects.toEqual(PERMISSION_DENIED);
  });
});
