import { afterAll, beforeAll, expect, it } from 'vitest';
import type { AccountActor } from '../../../server/kernel/actor.ts';
import type { HttpRequest, HttpResponse } from '../../../server/platform/http/types.ts';
import { createSystemRandom } from '../../../server/platform/system/random.ts';
import { LastingAnswers } from '../../../server/transports/chat/lasting-answers.ts';
import { createMarketRequest } from '../../../server/transports/rest/marketplace/create-request.ts';
import { getMarketRequest } from '../../../server/transports/rest/marketplace/get-request.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { silentLogger } from '../../support/logger.ts';
import { createMarket, until } from '../../support/market.ts';

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(() => db.close());

/** The operations of a server that has just started on this market. */
function startedOn(market: ReturnType<typeof createMarket>, answers = market.answers) {
  const { clock } = market;
  const lasting = new LastingAnswers<unknown>({ clock, random: createSystemRandom(), logger: silentLogger });
  const services = { ...market, answers, lasting };
  const request = (changes: object) =>
    ({
      query: new URLSearchParams(),
      header: () => 'application/json',
      params: {},
      body: new Uint8Array(0),
      ...changes,
    }) as unknown as HttpRequest;
  const read = async (answer: Promise<HttpResponse>) =>
    JSON.parse(String((await answer).body)) as { id: string; status: string };
  return {
    create: (actor: AccountActor) =>
      read(
        createMarketRequest(services).answer(actor, request({ body: Buffer.from('{"prompt":"Hello?"}') })),
      ),
    get: (actor: AccountActor, requestId: string) =>
      read(getMarketRequest(services).answer(actor, request({ params: { requestId } }))),
  };
}

it('a request of the market is there over a restart, whole where it had ended, failed where it had not', async () => {
  const market = createMarket(db);
  const alice = await market.customer(1_000);
  const provider = await market.provider();
  const before = startedOn(market);
  const ended = await before.create(alice);
  await until(() => provider.requests.length === 1);
  market.answer(provider, provider.requests[0] as { requestId: string }, ['Hello', '!']);
  const whole = await until(async () => {
    const request = await before.get(alice, ended.id);
    return request.status === 'COMPLETED' ? request : null;
  });
  const open = await before.create(alice);
  await until(() => provider.requests.length === 2);
  const after = startedOn(market);
  expect(await after.get(alice, ended.id)).toEqual(whole);
  expect(await after.get(alice, open.id)).toMatchObject({ status: 'FAILED', failureCode: 'server_stopped' });
  const bob = await market.customer(1);
  await expect(after.get(bob, ended.id)).rejects.toMatchObject({ code: 'response_not_found' });
  market.answer(provider, provider.requests[1] as { requestId: string }, ['Hello']);
  await until(async () => (await before.get(alice, open.id)).status === 'COMPLETED');
});

it('a request of the market is kept with its bill, where its outcome is not known and where the server stops behind it', async () => {
  let isConfirmed = true;
  const market = createMarket(db, {
    wrapLedger: (ledger) => ({
      ...ledger,
      commit: async (unit) => {
        const outcome = await ledger.commit(unit);
        if (!isConfirmed && unit.commands[0]?.kind === 'post') throw new Error('the connection is lost');
        return outcome;
      },
    }),
  });
  const alice = await market.customer(1_000);
  const provider = await market.provider();
  provider.onRequest = (request) => market.answer(provider, request, ['Hello', '!']);
  const stopping = startedOn(market, { ...market.answers, end: () => new Promise(() => {}) });
  const stopped = await stopping.create(alice);
  await until(async () => (await market.lastTransaction(alice))?.state === 'COMPLETED');
  const whole = { status: 'COMPLETED', answer: 'Hello!', cost: { currency: 'EUR' } };
  expect(await startedOn(market).get(alice, stopped.id)).toMatchObject(whole);
  isConfirmed = false;
  const before = startedOn(market);
  const unknown = await before.create(alice);
  await until(async () => (await before.get(alice, unknown.id)).status === 'FAILED');
  expect(await before.get(alice, unknown.id)).toMatchObject({ failureCode: 'outcome_unknown' });
  expect(await startedOn(market).get(alice, unknown.id)).toMatchObject(whole);
});
