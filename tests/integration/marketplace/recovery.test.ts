import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { INTERRUPTED_PAGE } from '../../../server/domains/marketplace/index.ts';
import type { AccountActor } from '../../../server/kernel/actor.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { createMarket, eventsOf, until } from '../../support/market.ts';

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(() => db.close());

let market: ReturnType<typeof createMarket>;
let alice: AccountActor;
beforeEach(async () => {
  market = createMarket(db);
  alice = await market.customer(1_000n);
});

const create = (changes = {}, actor = alice) =>
  market.marketplace.createRequest(actor, market.order(changes));
describe('a server that stops or crashes', () => {
  it('ends what runs unpaid when it closes', async () => {
    const provider = await market.provider();
    const request = create();
    await until(() => provider.requests[0]);
    const requestId = provider.requests[0]?.requestId as Uint8Array;
    market.marketplace.chunk(provider.actor, { requestId, index: 0, text: 'Hello' });
    const answer = await request;
    await market.marketplace.close();
    expect((await eventsOf(answer)).at(-1)).toEqual({ kind: 'failed', code: 'unavailable' });
    await expect(create()).rejects.toMatchObject({ code: 'unavailable' });
    await market.expectUntouched(alice);
  });

  it('refuses what waits for a slot when it closes, and gives it to no provider', async () => {
    const provider = await market.provider({ slots: 1 });
    const refusals = [create(), create(), create()].map((request) =>
      expect(request).rejects.toMatchObject({ kind: 'unavailable', code: 'unavailable' }),
    );
    await until(() => provider.requests[0]);
    await market.marketplace.close();
    await Promise.all(refusals);
    expect(provider.requests).toHaveLength(1);
    await market.expectUntouched(alice);
  });

  it.each([
    ['before the ledger was asked', 'post', { kind: 'failed', code: 'outcome_unknown' }],
    ['after the ledger paid', 'finishSettled', { kind: 'end', costCents: 12n }],
  ])('settles after its restart what was decided but interrupted %s', async (_, where, told) => {
    const nodeId = 'crashing-node';
    const crash = async () => {
      throw new Error('the process ends here');
    };
    const crashed = createMarket(db, {
      nodeId,
      wrapStore: (store) =>
        where === 'finishSettled'
          ? { ...store, finishSettled: crash }
          : {
              ...store,
              writeIntent: async (...args) => {
                await store.writeIntent(...args);
                return crash();
              },
            },
    });
    const bob = await crashed.customer(1_000n);
    const provider = await crashed.provider();
    provider.onRequest = (request) => crashed.answer(provider, request, ['Hello', ' world']);
    const answer = await crashed.marketplace.createRequest(bob, crashed.order());
    expect((await eventsOf(answer)).at(-1)).toMatchObject(told);

    const restarted = createMarket(db, { nodeId });
    expect(await restarted.marketplace.recover(true)).toBe(1);
    expect(await restarted.marketplace.recover(true)).toBe(0);
    expect(await restarted.marketplace.getTransaction(bob, answer.transactionId)).toMatchObject({
      state: 'COMPLETED',
      costCents: 12n,
    });
    expect(await restarted.balanceInCents(bob)).toEqual({ availableCents: 988n, heldCents: 0n });
    expect((await restarted.balanceInCents(provider.owner)).availableCents).toBe(11n);
  });

  it('gives the answer as paid when the commit of the decision was heard of the second time only', async () => {
    let writes = 0;
    const unheard = createMarket(db, {
      wrapStore: (store) => ({
        ...store,
        writeIntent: async (...args) => {
          const written = await store.writeIntent(...args);
          if (writes++ === 0) throw new Error('the connection is gone');
          return written;
        },
      }),
    });
    const bob = await unheard.customer(1_000n);
    const provider = await unheard.provider();
    provider.onRequest = (request) => unheard.answer(provider, request, ['Hello', ' world']);
    const answer = await unheard.marketplace.createRequest(bob, unheard.order());
    expect((await eventsOf(answer)).at(-1)).toMatchObject({ kind: 'end', costCents: 12n });
    expect(await unheard.lastTransaction(bob)).toMatchObject({ state: 'COMPLETED' });
    expect(await unheard.balanceInCents(bob)).toEqual({ availableCents: 988n, heldCents: 0n });
  });

  it('says that nothing was billed when the hold is gone before the settlement', async () => {
    const provider = await market.provider();
    const request = create();
    const { requestId } = await until(() => provider.requests[0]);
    market.marketplace.chunk(provider.actor, { requestId, index: 0, text: 'Hello' });
    const answer = await request;
    const [hold] = await db.database.system(
      'money',
      (sql) => sql`SELECT hold_id FROM ledger_open_holds WHERE transaction_id = ${answer.transactionId}`,
    );
    await market.ledger.void(hold?.hold_id);
    market.marketplace.result(provider.actor, {
      requestId,
      finishReason: 'stop',
      promptTokens: 10,
      completionTokens: 1,
    });
    expect((await eventsOf(answer)).at(-1)).toEqual({ kind: 'failed', code: 'unavailable' });
    expect(await market.lastTransaction(alice)).toMatchObject({
      failureCode: 'hold_resolved',
      costCents: 0n,
    });
    await market.expectUntouched(alice);
  });

  it('releases after its restart what was open, and leaves another node alone', async () => {
    const crashed = createMarket(db, { nodeId: 'dead-node' });
    const bob = await crashed.customer(1_000n);
    const provider = await crashed.provider();
    void crashed.marketplace.createRequest(bob, crashed.order());
    await until(() => provider.requests[0]);
    await until(async () => (await market.lastTransaction(bob))?.state === 'PROCESSING');
    expect(await createMarket(db, { nodeId: 'other-node' }).marketplace.recover(true)).toBe(0);
    expect(await createMarket(db, { nodeId: 'dead-node' }).marketplace.recover(true)).toBe(1);
    expect(await market.lastTransaction(bob)).toMatchObject({ state: 'FAILED', failureCode: 'unavailable' });
    await market.expectUntouched(bob);
  });

  it('finishes what is younger than a transaction that can not be finished, and that one the next time', async () => {
    const nodeId = 'stumbling-node';
    const crashed = createMarket(db, { nodeId });
    const bob = await crashed.customer(1_000n);
    const provider = await crashed.provider();
    for (let count = 1; count <= 3; count++) {
      void crashed.marketplace.createRequest(bob, crashed.order());
      await until(() => provider.requests.length === count);
      await until(async () => (await crashed.lastTransaction(bob))?.state === 'PROCESSING');
      crashed.clock.advance(1_000);
    }
    let refused = 0;
    const restarted = createMarket(db, {
      nodeId,
      wrapStore: (store) => ({
        ...store,
        finishUnpaid: async (...args) => {
          if (refused++ === 0) throw new Error('this row is not to be had');
          return store.finishUnpaid(...args);
        },
      }),
    });
    expect(await restarted.marketplace.recover(true)).toBe(2);
    expect(await restarted.marketplace.recover(true)).toBe(1);
    await market.expectUntouched(bob);
  });

  it('settles a claim that no sum has room for', async () => {
    const provider = await market.provider();
    provider.onRequest = (request) => market.answer(provider, request, ['Hello'], [10, 1]);
    await db.database.system(
      'money',
      (sql) => sql`UPDATE marketplace_providers SET claimed_tokens = 9223372036854775807
        WHERE device_id = ${provider.actor.deviceId}`,
    );
    expect((await eventsOf(await create())).at(-1)).toMatchObject({ kind: 'end', costCents: 11n });
    expect(await market.lastTransaction(alice)).toMatchObject({ state: 'COMPLETED' });
  });

  it('finishes more transactions than are read at a time', async () => {
    const nodeId = 'busy-node';
    await db.database.system(
      'money',
      (sql) => sql`
        INSERT INTO marketplace_transactions (id, tenant_id, account_id, state, model, provider_id,
          price_cents_per_1000_tokens, attempts, held_cents, prompt_tokens, completion_tokens_max, created_at, node_id,
          provider_tenant_id)
        SELECT id, ${alice.tenantId}, ${alice.accountId}, 'PENDING', 'm', id, 0, 1, 0, 1, 1, ${new Date(0)}, ${nodeId}, id
        FROM (SELECT gen_random_uuid() AS id FROM generate_series(1, ${INTERRUPTED_PAGE + 1})) AS made`,
    );
    expect(await createMarket(db, { nodeId }).marketplace.recover(true)).toBe(INTERRUPTED_PAGE + 1);
  });
});
