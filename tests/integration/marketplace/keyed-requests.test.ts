import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  KEYED_ANSWERS_KEPT_MS,
  MARKETPLACE_TIMES,
  USER_KEPT_BYTES_MAX,
  USER_KEYS_MAX,
} from '../../../server/domains/marketplace/index.ts';
import { startMoneyJobs } from '../../../server/jobs/money-jobs.ts';
import type { AccountActor } from '../../../server/kernel/actor.ts';
import { turn } from '../../support/clock.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { silentLogger } from '../../support/logger.ts';
import { createMarket, eventsOf, type FakeProvider, until } from '../../support/market.ts';

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(() => db.close());

let market: ReturnType<typeof createMarket>;
let alice: AccountActor;
let provider: FakeProvider;
beforeEach(async () => {
  market = createMarket(db);
  alice = await market.customer(1_000n);
  provider = await market.provider();
  provider.onRequest = (request) => market.answer(provider, request, ['Hello', ' wörld']);
});

const create = (changes = {}, actor = alice) =>
  market.marketplace.createRequest(actor, market.order({ idempotencyKey: 'k', ...changes }));
const begun = () => until(() => provider.requests[0]);

describe('a request under an idempotency key', () => {
  it('is carried out and paid once, and its answer given to whoever repeats it', async () => {
    const first = await create();
    expect(first.isReplay).toBe(false);
    const events = await eventsOf(first);
    const again = await create();
    expect(again).toMatchObject({
      isReplay: true,
      transactionId: first.transactionId,
      providerId: first.providerId,
      createdAtMs: first.createdAtMs,
    });
    expect(await eventsOf(again)).toEqual([{ kind: 'text', text: 'Hello wörld' }, events.at(-1)]);
    expect(provider.requests).toHaveLength(1);
    expect((await market.balanceInCents(alice)).availableCents).toBe(988n);
  });

  it('gives the answer again to the character, a byte order mark in front of it too', async () => {
    provider.onRequest = (request) => market.answer(provider, request, ['\ufeffHello']);
    const events = await eventsOf(await create());
    expect(await eventsOf(await create())).toEqual(events);
  });

  it('is another user’s own, and another key another request', async () => {
    await eventsOf(await create());
    const bob = await market.customer(1_000n);
    expect((await create({}, bob)).isReplay).toBe(false);
    expect((await create({ idempotencyKey: 'K' })).isReplay).toBe(false);
    expect(provider.requests).toHaveLength(3);
  });

  it.each([
    ['body', { body: new TextEncoder().encode('{"a":1}') }],
    ['longest answer', { completionTokensMax: 51 }],
    ['highest cost', { costCentsMax: 500n }],
    ['model', { model: 'n' }],
  ])('with another %s is refused, at work and later', async (_, changes) => {
    provider.onRequest = () => {};
    const first = create();
    await begun();
    await expect(create(changes)).rejects.toMatchObject({
      kind: 'unprocessable',
      code: 'idempotency_key_reused',
    });
    market.answer(provider, await begun(), ['Hello']);
    await eventsOf(await first);
    await expect(create(changes)).rejects.toMatchObject({ code: 'idempotency_key_reused' });
  });

  it('is refused while it is at work, and of many at once one is carried out', async () => {
    provider.onRequest = () => {};
    const all = Promise.allSettled(Array.from({ length: 20 }, () => create()));
    const request = await begun();
    await expect(create()).rejects.toMatchObject({
      kind: 'conflict',
      code: 'idempotency_key_in_flight',
      details: { retryAfterSeconds: 5 },
    });
    market.answer(provider, request, ['Hello']);
    // Who was late got the answer.
    const outcomes = (await all).map((one) =>
      one.status === 'fulfilled' ? one.value.transactionId : one.reason.code,
    );
    expect(new Set(outcomes.filter((outcome) => outcome !== 'idempotency_key_in_flight')).size).toBe(1);
    expect(provider.requests).toHaveLength(1);
  });

  it('goes on when the requester leaves, who gets the answer by asking again', async () => {
    provider.onRequest = () => {};
    const controller = new AbortController();
    const first = create({ signal: controller.signal });
    const request = await begun();
    controller.abort();
    market.answer(provider, request, ['Hello', ' world']);
    await eventsOf(await first);
    expect(provider.cancelled).toEqual([]);
    expect((await eventsOf(await create()))[0]).toEqual({ kind: 'text', text: 'Hello world' });
    expect(await market.lastTransaction(alice)).toMatchObject({ state: 'COMPLETED' });
  });

  it('that failed is judged anew', async () => {
    const fail = (request: (typeof provider.requests)[number], text: string | null) => {
      const { requestId } = request;
      if (text !== null) market.marketplace.chunk(provider.actor, { requestId, index: 0, text });
      market.marketplace.result(provider.actor, { requestId, error: { code: 1 } });
    };
    await expect(create({ model: 'unknown' })).rejects.toMatchObject({ code: 'model_not_found' });
    await expect(create({ costCentsMax: 0n })).rejects.toMatchObject({ code: 'maximum_cost_exceeded' });
    provider.onRequest = (request) => fail(request, null);
    await expect(create()).rejects.toMatchObject({ code: 'provider_failed' });
    provider.onRequest = (request) => fail(request, 'Hel');
    expect((await eventsOf(await create())).at(-1)).toMatchObject({ kind: 'failed' });
    await market.expectUntouched(alice);
    provider.onRequest = (request) => market.answer(provider, request, ['Hello']);
    const answer = await create();
    expect([answer.isReplay, (await eventsOf(answer)).at(-1)?.kind]).toEqual([false, 'end']);
  });

  it('keeps its answer sealed', async () => {
    await eventsOf(await create());
    const rows = await db.database.system(
      'money',
      (sql) => sql`SELECT answer FROM marketplace_keyed_requests`,
    );
    const answers = rows.map(({ answer }) => Buffer.from(answer));
    expect(answers.length).toBeGreaterThan(0);
    for (const answer of answers) expect(answer.toString('latin1')).not.toContain('Hello');
  });

  it.each([
    ['keys', USER_KEYS_MAX, 0],
    ['bytes', 2, USER_KEPT_BYTES_MAX],
  ])('is refused where as many %s are kept as may be; what is kept stays', async (_, keys, bytes) => {
    await eventsOf(await create());
    await db.database.system(
      'money',
      (sql) => sql`
        INSERT INTO marketplace_keyed_requests
          (tenant_id, account_id, key, fingerprint, transaction_id, node_id, created_at, answer)
        SELECT ${alice.tenantId}, ${alice.accountId}, gen_random_uuid()::text, decode(repeat('00', 32), 'hex'),
          gen_random_uuid(), 'n', ${new Date(market.clock.nowMs())}, decode(repeat('00', ${bytes}), 'hex')
        FROM generate_series(2, ${keys}::int)`,
    );
    const limited = create({ idempotencyKey: 'beyond' });
    await expect(limited).rejects.toMatchObject({ kind: 'conflict', code: 'limit_reached' });
    expect((await create()).isReplay).toBe(true);
    await eventsOf(await create({ idempotencyKey: null }));
    const bob = await market.customer(1_000n);
    expect((await create({ idempotencyKey: 'beyond' }, bob)).isReplay).toBe(false);
  });

  it('is forgotten after a day', async () => {
    await eventsOf(await create());
    market.clock.advance(KEYED_ANSWERS_KEPT_MS - 1);
    await market.marketplace.recover(false);
    expect((await create()).isReplay).toBe(true);
    market.clock.advance(2);
    await market.marketplace.recover(false);
    expect((await create()).isReplay).toBe(false);
  });
});

describe('after a crash', () => {
  const crash = async () => {
    throw new Error('the process ends here');
  };

  it('a request that was decided gives its answer, one that was not is judged anew', async () => {
    const nodeId = 'crashing-node';
    const crashed = createMarket(db, { nodeId, wrapStore: (store) => ({ ...store, finishSettled: crash }) });
    const bob = await crashed.customer(1_000n);
    const serving = await crashed.provider();
    serving.onRequest = (request) => crashed.answer(serving, request, ['Hello']);
    const keyed = (idempotencyKey: string) => ({ ...market.order(), idempotencyKey });
    await eventsOf(await crashed.marketplace.createRequest(bob, keyed('decided')));
    serving.onRequest = () => {};
    void crashed.marketplace.createRequest(bob, keyed('open'));
    await until(() => serving.requests[1]);

    const restarted = createMarket(db, { nodeId });
    await restarted.marketplace.recover(true);
    const decided = await restarted.marketplace.createRequest(bob, keyed('decided'));
    expect((await eventsOf(decided))[0]).toEqual({ kind: 'text', text: 'Hello' });
    expect((await restarted.balanceInCents(bob)).availableCents).toBe(989n);
    const other = await restarted.provider();
    other.onRequest = (request) => restarted.answer(other, request, ['Hello again']);
    const open = await restarted.marketplace.createRequest(bob, keyed('open'));
    expect(open.isReplay).toBe(false);
    await eventsOf(open);
    expect((await restarted.balanceInCents(bob)).availableCents).toBe(977n);
  });

  it('a key without transaction is free after the restart, and for other nodes when it is old', async () => {
    const claim = (nodeId: string, key: string) => {
      const stopping = createMarket(db, { nodeId, wrapStore: (store) => ({ ...store, releaseKey: crash }) });
      return stopping.marketplace.createRequest(alice, {
        ...market.order(),
        model: 'x',
        idempotencyKey: key,
      });
    };
    await expect(claim('node-a', 'a')).rejects.toMatchObject({ code: 'model_not_found' });
    await expect(claim('node-b', 'b')).rejects.toMatchObject({ code: 'model_not_found' });
    const ask = (key: string) => create({ model: 'x', idempotencyKey: key });
    const node = createMarket(db, { nodeId: 'node-a' });
    await node.marketplace.recover(true);
    await expect(ask('a')).rejects.toMatchObject({ code: 'model_not_found' });
    await expect(ask('b')).rejects.toMatchObject({ code: 'idempotency_key_in_flight' });
    node.clock.advance(MARKETPLACE_TIMES.holdLifeMs + 1_000);
    await node.marketplace.recover(false);
    await expect(ask('b')).rejects.toMatchObject({ code: 'model_not_found' });
  });

  it('a key whose claim was written and not heard of is free at once', async () => {
    let claims = 0;
    const unheard = createMarket(db, {
      wrapStore: (store) => ({
        ...store,
        claimKey: async (...args) => {
          const claim = await store.claimKey(...args);
          if (claims++ === 0) return crash();
          return claim;
        },
      }),
    });
    const serving = await unheard.provider();
    serving.onRequest = (request) => unheard.answer(serving, request, ['Hello']);
    const ask = () => unheard.marketplace.createRequest(alice, market.order({ idempotencyKey: 'unheard' }));
    await expect(ask()).rejects.toThrow('the process ends here');
    expect((await eventsOf(await ask())).at(-1)).toMatchObject({ kind: 'end' });
  });

  const decided = async () => {
    let writes = 0;
    let isDown = false;
    const outage = createMarket(db, {
      wrapStore: (store) => ({
        ...store,
        writeIntent: async (...args) => {
          if (writes++ > 0) return crash();
          await store.writeIntent(...args);
          isDown = true;
          return crash();
        },
        findInterrupted: async (...args) => (isDown ? crash() : store.findInterrupted(...args)),
      }),
    });
    const jobs = await startMoneyJobs({ ...outage, logger: silentLogger });
    const bob = await outage.customer(1_000n);
    const serving = await outage.provider();
    serving.onRequest = (request) => outage.answer(serving, request, ['Hello']);
    const ask = async () => {
      const answer = await outage.marketplace.createRequest(bob, outage.order({ idempotencyKey: 'k' }));
      return [answer.isReplay, (await eventsOf(answer)).at(-1)?.kind];
    };
    expect(await ask()).toEqual([false, 'failed']);
    outage.clock.advance(MARKETPLACE_TIMES.holdLifeMs + 1);
    await turn();
    writes = -1;
    isDown = false;
    return { outage, bob, ask, jobs };
  };

  it('a settlement that was decided is paid by the jobs, though the outage outlasts its hold', async () => {
    const { outage, bob, ask, jobs } = await decided();
    await until(async () => {
      outage.clock.advance(1_000);
      return (await outage.lastTransaction(bob))?.state !== 'PROCESSING';
    });
    await jobs.stop();
    expect(await outage.lastTransaction(bob)).toMatchObject({ state: 'COMPLETED', costCents: 11n });
    expect(await ask()).toEqual([true, 'end']);
  });

  it('an answer whose hold is gone before it was paid is not kept', async () => {
    const { outage, bob, ask, jobs } = await decided();
    await jobs.stop();
    await outage.ledger.expireHolds();
    await outage.marketplace.recover(false);
    expect(await outage.lastTransaction(bob)).toMatchObject({ state: 'FAILED', costCents: 0n });
    expect((await ask())[0]).toBe(false);
  });
});
