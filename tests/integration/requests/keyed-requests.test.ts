import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  ACCOUNT_KEPT_BYTES_MAX,
  ACCOUNT_KEYS_MAX,
  KEYED_ANSWERS_KEPT_MS,
  REQUEST_TIMES,
} from '../../../server/domains/requests/index.ts';
import { startMoneyJobs } from '../../../server/jobs/money-jobs.ts';
import type { AccountActor } from '../../../server/kernel/actor.ts';
import { addColleague } from '../../support/actors.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { testLease } from '../../support/lease.ts';
import { silentLogger } from '../../support/logger.ts';
import { cents, createMarket, eventsOf, type FakeProvider, until } from '../../support/market.ts';

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
  alice = await market.customer(1_000);
  provider = await market.provider();
  provider.onRequest = (request) => market.answer(provider, request, ['Hello', ' wörld']);
});

const create = (changes = {}, actor = alice) =>
  market.requests.createRequest(actor, market.order({ idempotencyKey: 'k', ...changes }));
const keptOf = ({ tenantId, accountId }: AccountActor) =>
  db.database.system('money', async (sql) => {
    const [row] = await sql`
      SELECT keys, kept_bytes FROM marketplace_key_counts WHERE tenant_id = ${tenantId} AND account_id = ${accountId}`;
    return row;
  });
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
    expect(await eventsOf(again)).toEqual([
      { kind: 'delta', fields: { content: 'Hello wörld' } },
      events.at(-1),
    ]);
    expect(provider.requests).toHaveLength(1);
    expect((await market.balance(alice)).available).toBe(988);
  });

  it("is each account's own, also within a tenant: a colleague gets neither answer nor transaction", async () => {
    const first = await create();
    await eventsOf(first);
    const colleague = await addColleague(db.database, alice);
    const second = await create({}, colleague);
    await eventsOf(second);
    expect(second.isReplay).toBe(false);
    expect(second.transactionId).not.toBe(first.transactionId);
    await expect(market.transactions.getTransaction(colleague, first.transactionId)).rejects.toMatchObject({
      code: 'transaction_not_found',
    });
    const listed = await market.transactions.listTransactions(colleague, {
      role: 'requester',
      after: null,
      limit: 10,
    });
    expect(listed.items.map(({ id }) => id)).toEqual([second.transactionId]);
  });

  it('gives the answer again to the character, a byte order mark in front of it too', async () => {
    provider.onRequest = (request) => market.answer(provider, request, ['\ufeffHello']);
    const events = await eventsOf(await create());
    expect(await eventsOf(await create())).toEqual(events);
  });

  it('is another user’s own, and another key another request', async () => {
    await eventsOf(await create());
    const bob = await market.customer(1_000);
    expect((await create({}, bob)).isReplay).toBe(false);
    expect((await create({ idempotencyKey: 'K' })).isReplay).toBe(false);
    expect(provider.requests).toHaveLength(3);
  });

  it.each([
    ['body', { encodeBody: () => new TextEncoder().encode('{"a":1}') }],
    ['longest answer', { completionTokensMax: 51 }],
    ['highest cost', { costMicrocentsMax: cents(500) }],
    ['model', { models: ['n'] }],
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
    await first;
    await until(async () => (await market.lastTransaction(alice))?.state === 'COMPLETED');
    expect(provider.cancelled).toEqual([]);
    expect((await eventsOf(await create()))[0]).toEqual({
      kind: 'delta',
      fields: { content: 'Hello world' },
    });
    expect(await market.lastTransaction(alice)).toMatchObject({ state: 'COMPLETED' });
  });

  it('that failed is judged anew', async () => {
    const fail = (request: (typeof provider.requests)[number], text: string | null) => {
      const { requestId } = request;
      if (text !== null) market.text(provider, requestId, 0, text);
      market.fail(provider, requestId);
    };
    await expect(create({ models: ['unknown'] })).rejects.toMatchObject({ code: 'model_not_found' });
    await expect(create({ costMicrocentsMax: cents(0) })).rejects.toMatchObject({
      code: 'maximum_cost_exceeded',
    });
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
    ['keys', ACCOUNT_KEYS_MAX, 0],
    ['bytes', 2, ACCOUNT_KEPT_BYTES_MAX],
  ])('is refused where as many %s are kept as may be; what is kept stays', async (_, keys, bytes) => {
    await eventsOf(await create());
    await db.database.system(
      'money',
      (sql) => sql`
        INSERT INTO marketplace_keyed_requests
          (tenant_id, account_id, key, fingerprint, transaction_id, created_at, answer)
        SELECT ${alice.tenantId}, ${alice.accountId}, gen_random_uuid()::text, decode(repeat('00', 32), 'hex'),
          gen_random_uuid(), ${new Date(market.clock.nowMs())}, decode(repeat('00', ${bytes}), 'hex')
        FROM generate_series(2, ${keys}::int)`,
    );
    const limited = create({ idempotencyKey: 'beyond' });
    await expect(limited).rejects.toMatchObject({ kind: 'conflict', code: 'limit_reached' });
    expect((await create()).isReplay).toBe(true);
    await eventsOf(await create({ idempotencyKey: null }));
    const bob = await market.customer(1_000);
    expect((await create({ idempotencyKey: 'beyond' }, bob)).isReplay).toBe(false);
  });

  it('is counted as it is there: claimed, kept, freed by a failure and forgotten', async () => {
    await eventsOf(await create());
    provider.onRequest = (request) => market.fail(provider, request.requestId);
    await expect(create({ idempotencyKey: 'fails' })).rejects.toMatchObject({ code: 'provider_failed' });
    const wrong = await db.database.system(
      'money',
      (sql) => sql`
        SELECT counted.* FROM marketplace_key_counts counted LEFT JOIN (
          SELECT tenant_id, account_id, count(*) AS keys, coalesce(sum(octet_length(answer)), 0) AS kept_bytes
          FROM marketplace_keyed_requests GROUP BY tenant_id, account_id) AS there USING (tenant_id, account_id)
        WHERE (counted.keys, counted.kept_bytes) IS DISTINCT FROM (coalesce(there.keys, 0), coalesce(there.kept_bytes, 0))`,
    );
    expect(wrong).toEqual([]);
    expect(await keptOf(alice)).toMatchObject({ keys: 1n });
    market.clock.advance(KEYED_ANSWERS_KEPT_MS + 1);
    await market.requests.endAbandoned(false);
    expect(await keptOf(alice)).toEqual({ keys: 0n, kept_bytes: 0n });
  });

  it('is forgotten after a day', async () => {
    await eventsOf(await create());
    market.clock.advance(KEYED_ANSWERS_KEPT_MS - 1);
    await market.requests.endAbandoned(false);
    expect((await create()).isReplay).toBe(true);
    market.clock.advance(2);
    await market.requests.endAbandoned(false);
    expect((await create()).isReplay).toBe(false);
  });
});

describe('after a crash', () => {
  it('a request that ended gives its answer, one that did not is judged anew', async () => {
    const nodeId = 'crashing-node';
    const crashed = createMarket(db, { nodeId });
    const bob = await crashed.customer(1_000);
    const serving = await crashed.provider();
    serving.onRequest = (request) => crashed.answer(serving, request, ['Hello']);
    const keyed = (idempotencyKey: string) => ({ ...market.order(), idempotencyKey });
    await eventsOf(await crashed.requests.createRequest(bob, keyed('ended')));
    serving.onRequest = () => {};
    void crashed.requests.createRequest(bob, keyed('open'));
    await until(() => serving.requests[1]);

    const restarted = createMarket(db, { nodeId });
    await expect(restarted.requests.createRequest(bob, keyed('open'))).rejects.toMatchObject({
      code: 'idempotency_key_in_flight',
    });
    await restarted.requests.endAbandoned(true);
    const ended = await restarted.requests.createRequest(bob, keyed('ended'));
    expect((await eventsOf(ended))[0]).toEqual({ kind: 'delta', fields: { content: 'Hello' } });
    expect((await restarted.balance(bob)).available).toBe(989);
    const other = await restarted.provider();
    other.onRequest = (request) => restarted.answer(other, request, ['Hello again']);
    const open = await restarted.requests.createRequest(bob, keyed('open'));
    expect(open.isReplay).toBe(false);
    await eventsOf(open);
    expect((await restarted.balance(bob)).available).toBe(977);
  });

  it('a key is free for other nodes when its request is older than any may be', async () => {
    const dead = createMarket(db, { nodeId: 'node-that-stays-away' });
    const serving = await dead.provider();
    void dead.requests.createRequest(alice, market.order({ idempotencyKey: 'k' }));
    await until(() => serving.requests[0]);
    const node = createMarket(db);
    await node.requests.endAbandoned(true);
    await expect(create()).rejects.toMatchObject({ code: 'idempotency_key_in_flight' });
    node.clock.advance(REQUEST_TIMES.holdLifeMs + 1_000);
    await node.requests.endAbandoned(false);
    expect((await create()).isReplay).toBe(false);
  });

  it('a key whose claim was written and not heard of is free at once', async () => {
    let commits = 0;
    const unheard = createMarket(db, {
      wrapLedger: (ledger) => ({
        ...ledger,
        commit: async (unit) => {
          const outcome = await ledger.commit(unit);
          if (commits++ === 0) throw new Error('the process ends here');
          return outcome;
        },
      }),
    });
    const serving = await unheard.provider();
    serving.onRequest = (request) => unheard.answer(serving, request, ['Hello']);
    const ask = () => unheard.requests.createRequest(alice, market.order({ idempotencyKey: 'unheard' }));
    await expect(ask()).rejects.toThrow('the process ends here');
    expect((await eventsOf(await ask())).at(-1)).toMatchObject({ kind: 'end' });
  });

  it('of two nodes that are asked at the same time one carries the request out', async () => {
    const nodes = [createMarket(db), createMarket(db)];
    const asked = nodes.map(async (node) => {
      const serving = await node.provider();
      serving.onRequest = (request) => node.answer(serving, request, ['Hello']);
      return node.requests.createRequest(alice, market.order({ idempotencyKey: 'race' }));
    });
    const outcomes = await Promise.allSettled(asked);
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') expect(outcome.reason.code).toBe('idempotency_key_in_flight');
      else await eventsOf(outcome.value);
    }
    await until(async () => (await market.balance(alice)).held === 0);
    expect((await market.balance(alice)).available).toBe(989);
  });

  it('the jobs end what was left open before requests are taken', async () => {
    const nodeId = 'node-with-jobs';
    const crashed = createMarket(db, { nodeId });
    const serving = await crashed.provider();
    void crashed.requests.createRequest(alice, market.order());
    await until(() => serving.requests[0]);
    const jobs = await startMoneyJobs({
      lease: testLease,
      ...createMarket(db, { nodeId }),
      logger: silentLogger,
    });
    await jobs.stop();
    expect(await market.lastTransaction(alice)).toMatchObject({ state: 'FAILED' });
    await market.expectUntouched(alice);
  });
});
