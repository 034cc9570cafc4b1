import { afterAll, beforeAll, expect, it } from 'vitest';
import { decisionsOfRequest, type RequestDecisionSources } from '../../../server/domains/decisions/index.ts';
import type { AccountActor } from '../../../server/kernel/actor.ts';
import { DAY_MS } from '../../../server/kernel/clock.ts';
import { asId, type TransactionId } from '../../../server/kernel/ids.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { createMarket, eventsOf } from '../../support/market.ts';

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(() => db.close());

const sourcesOf = (market: ReturnType<typeof createMarket>): RequestDecisionSources => ({
  choices: (actor, id) => market.providers.explainRequest(actor, id),
  transaction: (actor, id) => market.transactions.getTransaction(actor, asId<TransactionId>(id)),
  disputes: async (actor, id) => {
    const query = { state: null, transactionId: asId<TransactionId>(id), after: null, limit: 1 };
    return (await market.disputes.list(actor, 'requester', query)).items.flatMap(
      ({ decisions }) => decisions,
    );
  },
});

it('a request has one history of what was decided about it, which outlives the server; nobody else reads it', async () => {
  const market = createMarket(db, { earningsReleaseDelayMs: DAY_MS });
  const alice = await market.customer(1_000);
  const [first, second] = [await market.provider(), await market.provider()];
  let isFirst = true;
  for (const provider of [first, second])
    provider.onRequest = (request) => {
      if (isFirst) market.fail(provider, request.requestId);
      else market.answer(provider, request, ['Hello']);
      isFirst = false;
    };
  const answer = await market.requests.createRequest(alice, market.order());
  await eventsOf(answer);
  const id = answer.transactionId;
  const { id: disputeId } = await market.disputes.open(alice, id, 'other', 'It was nothing.');
  market.clock.advance(1_000);
  await market.disputes.decide(market.administrator, disputeId, { outcome: 'refunded' }, 'So it was.');

  const read = (actor: AccountActor, of = market) => decisionsOfRequest(actor, id, sourcesOf(of));
  const decided = await read(alice);
  expect(decided.map(({ outcome, rule, reason, decidedBy }) => [outcome, rule, reason, decidedBy])).toEqual([
    ['chosen', expect.any(String), expect.stringContaining('The model: m.'), null],
    ['chosen_next', expect.any(String), expect.any(String), null],
    ['completed', 'stop', 'The answer came to its end.', null],
    ['refunded', 'operator', 'So it was.', market.administrator.accountId],
  ]);
  const times = decided.map(({ decidedAtMs }) => decidedAtMs);
  expect(times).toEqual([...times].sort((a, b) => a - b));
  // The next server has forgotten who was chosen.
  const next = createMarket(db, { earningsReleaseDelayMs: DAY_MS });
  expect((await read(alice, next)).map(({ outcome }) => outcome)).toEqual(['completed', 'refunded']);
  const stranger = await market.customer(0);
  for (const actor of [stranger, first.owner, second.owner])
    await expect(read(actor)).rejects.toMatchObject({ code: 'transaction_not_found' });
});
