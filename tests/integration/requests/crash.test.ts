import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { OPEN_TRANSACTIONS_PAGE, REQUEST_TIMES } from '../../../server/domains/requests/index.ts';
import type { AccountActor } from '../../../server/kernel/actor.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { createHolds } from '../../support/holds.ts';
import { cents, createMarket, eventsOf, until } from '../../support/market.ts';

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(() => db.close());

let market: ReturnType<typeof createMarket>;
let alice: AccountActor;
beforeEach(async () => {
  market = createMarket(db);
  alice = await market.customer(1_000);
});

const create = (changes = {}, actor = alice) => market.requests.createRequest(actor, market.order(changes));
describe('a server that stops or crashes', () => {
  it('ends what runs unpaid when it closes', async () => {
    const provider = await market.provider();
    const request = create();
    await until(() => provider.requests[0]);
    const requestId = provider.requests[0]?.requestId ?? '';
    market.text(provider, requestId, 0, 'Hello');
    const answer = await request;
    await market.requests.close();
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
    await market.requests.close();
    await Promise.all(refusals);
    expect(provider.requests).toHaveLength(1);
    await market.expectUntouched(alice);
  });

  /** A market whose database is away for `failures` commits from the second one on: the ends of requests. */
  const withOutage = (failures: number, isWritten: boolean, nodeId = 'outage-node') => {
    let commits = 0;
    return createMarket(db, {
      nodeId,
      wrapLedger: (ledger) => ({
        ...ledger,
        commit: async (unit) => {
          const number = ++commits;
          if (number < 2 || number >= 2 + failures) return ledger.commit(unit);
          if (isWritten) await ledger.commit(unit);
          throw new Error('the connection is gone');
        },
      }),
    });
  };
  const serve = async (served: ReturnType<typeof createMarket>) => {
    const bob = await served.customer(1_000);
    const provider = await served.provider();
    provider.onRequest = (request) => served.answer(provider, request, ['Hello', ' world']);
    const answer = await served.requests.createRequest(bob, served.order());
    return { bob, provider, id: answer.transactionId, last: (await eventsOf(answer)).at(-1) };
  };

  it.each([
    ['was written and not heard of', true],
    ['could not be written at first', false],
  ])(
    'says that the outcome is not known where the end %s, and pays once all the same',
    async (_, isWritten) => {
      const outage = withOutage(2, isWritten);
      const { bob, provider, id, last } = await serve(outage);
      expect(last).toEqual({ kind: 'failed', code: 'outcome_unknown' });
      await until(async () => {
        outage.clock.advance(REQUEST_TIMES.endRetryMs);
        return (await outage.transactions.getTransaction(bob, id)).state === 'COMPLETED';
      });
      expect(await outage.balance(bob)).toEqual({ available: 988, held: 0 });
      expect((await outage.balance(provider.owner)).available).toBe(10.56);
    },
  );

  it('ends as failed after its restart what it could not end, and nobody pays', async () => {
    const outage = withOutage(Number.POSITIVE_INFINITY, false, 'lost-node');
    const { bob, id } = await serve(outage);
    const restarted = createMarket(db, { nodeId: 'lost-node' });
    expect(await restarted.requests.endAbandoned(true)).toBe(1);
    expect(await restarted.requests.endAbandoned(true)).toBe(0);
    expect(await restarted.transactions.getTransaction(bob, id)).toMatchObject({
      state: 'FAILED',
      failureCode: 'unavailable',
    });
    expect(await restarted.balance(bob)).toEqual({ available: 1_000, held: 0 });
  });

  it('says that nothing was billed when the hold is gone before the settlement', async () => {
    const provider = await market.provider();
    const request = create();
    const { requestId } = await until(() => provider.requests[0]);
    market.text(provider, requestId, 0, 'Hello');
    const answer = await request;
    const [hold] = await db.database.system(
      'money',
      (sql) => sql`SELECT hold_id FROM ledger_open_holds WHERE transaction_id = ${answer.transactionId}`,
    );
    await createHolds(market.ledger).void(hold?.hold_id);
    market.result(provider, requestId);
    expect((await eventsOf(answer)).at(-1)).toEqual({ kind: 'failed', code: 'unavailable' });
    expect(await market.lastTransaction(alice)).toMatchObject({
      failureCode: 'hold_resolved',
      costMicrocents: cents(0),
    });
    await market.expectUntouched(alice);
  });

  it('releases after its restart what was open, and leaves another node alone', async () => {
    const crashed = createMarket(db, { nodeId: 'dead-node' });
    const bob = await crashed.customer(1_000);
    const provider = await crashed.provider();
    void crashed.requests.createRequest(bob, crashed.order());
    await until(() => provider.requests[0]);
    await until(async () => (await market.lastTransaction(bob))?.state === 'PROCESSING');
    expect(await createMarket(db, { nodeId: 'other-node' }).requests.endAbandoned(true)).toBe(0);
    expect(await createMarket(db, { nodeId: 'dead-node' }).requests.endAbandoned(true)).toBe(1);
    expect(await market.lastTransaction(bob)).toMatchObject({ state: 'FAILED', failureCode: 'unavailable' });
    await market.expectUntouched(bob);
  });

  it('finishes what is younger than a transaction that can not be finished, and that one the next time', async () => {
    const nodeId = 'stumbling-node';
    const crashed = createMarket(db, { nodeId });
    const bob = await crashed.customer(1_000);
    const provider = await crashed.provider();
    for (let count = 1; count <= 3; count++) {
      void crashed.requests.createRequest(bob, crashed.order());
      await until(() => provider.requests.length === count);
      await until(async () => (await crashed.lastTransaction(bob))?.state === 'PROCESSING');
      crashed.clock.advance(1_000);
    }
    let commits = 0;
    const restarted = createMarket(db, {
      nodeId,
      wrapLedger: (ledger) => ({
        ...ledger,
        commit: async (unit) => {
          if (commits++ === 0) throw new Error('this row is not to be had');
          return ledger.commit(unit);
        },
      }),
    });
    expect(await restarted.requests.endAbandoned(true)).toBe(2);
    expect(await restarted.requests.endAbandoned(true)).toBe(1);
    await market.expectUntouched(bob);
  });

  it('settles a claim that no sum has room for', async () => {
    const provider = await market.provider();
    provider.onRequest = (request) => market.answer(provider, request, ['Hello'], [10, 1]);
    await eventsOf(await create());
    const sumsOf = ({ owner }: typeof provider) =>
      db.database.system(
        'money',
        (sql) =>
          sql`SELECT claimed_tokens, counted_tokens FROM marketplace_claims WHERE tenant_id = ${owner.tenantId}`,
      );
    expect(await sumsOf(provider)).toMatchObject([{ claimed_tokens: 11n, counted_tokens: 11n }]);
    await db.database.system(
      'money',
      (sql) => sql`UPDATE marketplace_claims SET claimed_tokens = 9223372036854775807
        WHERE tenant_id = ${provider.owner.tenantId}`,
    );
    expect((await eventsOf(await create())).at(-1)).toMatchObject({ kind: 'end', costMicrocents: cents(11) });
    expect(await market.lastTransaction(alice)).toMatchObject({ state: 'COMPLETED' });
    expect(await sumsOf(provider)).toMatchObject([
      { claimed_tokens: 9223372036854775807n, counted_tokens: 22n },
    ]);
  });

  it('finishes more transactions than are read at a time', async () => {
    const nodeId = 'busy-node';
    await db.database.system(
      'money',
      (sql) => sql`
        INSERT INTO marketplace_transactions (id, tenant_id, account_id, state, model, provider_id,
          prompt_microcents_per_1000_tokens, cached_prompt_microcents_per_1000_tokens,
          completion_microcents_per_1000_tokens, held_microcents, prompt_tokens, completion_tokens_max, created_at,
          node_id, hold_id, provider_tenant_id, provider_device_id)
        SELECT id, ${alice.tenantId}, ${alice.accountId}, 'PROCESSING', 'm', id, 0, 0, 0, 0, 1, 1, ${new Date(0)},
          ${nodeId}, id, id, id
        FROM (SELECT gen_random_uuid() AS id FROM generate_series(1, ${OPEN_TRANSACTIONS_PAGE + 1})) AS made`,
    );
    expect(await createMarket(db, { nodeId }).requests.endAbandoned(true)).toBe(OPEN_TRANSACTIONS_PAGE + 1);
  });
});
