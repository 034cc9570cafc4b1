import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createAsker } from '../../../server/app/model-checks.ts';
import { createCheckService, createCheckStore } from '../../../server/domains/checks/index.ts';
import type { ProviderOrder } from '../../../server/domains/providers/index.ts';
import { REQUEST_TIMES } from '../../../server/domains/requests/index.ts';
import type { AccountActor } from '../../../server/kernel/actor.ts';
import { addOwner, newOwner } from '../../support/actors.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { silentLogger } from '../../support/logger.ts';
import { createMarket, eventsOf } from '../../support/market.ts';
import { createSeededRandom } from '../../support/random.ts';

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(() => db.close());

const bodyOf = ({ body }: ProviderOrder) => JSON.parse(new TextDecoder().decode(body));

/** A market whose providers answer with words that follow from the question and from their `weights`. */
async function createCheckedMarket(weights: readonly string[]) {
  // Nobody waits for a slot: who is paused refuses at once.
  const market = createMarket(db, { times: { ...REQUEST_TIMES, slotWaitMs: 0 } });
  const payer = await market.customer(10_000);
  const customer = await market.customer(10_000);
  const providers: Awaited<ReturnType<typeof market.provider>>[] = [];
  for (const word of weights) {
    const provider = await market.provider({ price: 10 });
    provider.onRequest = (order) => {
      const prompt = String(bodyOf(order).messages?.[0]?.content ?? 'Hello');
      const text = Array.from({ length: 16 }, (_, at) => `${word}${(prompt.length + at) % 9}`).join(' ');
      market.answer(provider, order, [text]);
    };
    providers.push(provider);
  }
  const accounts = { findTenantOfAccount: async () => payer.tenantId };
  const asker = createAsker(payer.accountId, { accounts }, market, new AbortController().signal);
  const service = () =>
    createCheckService(
      { microcentsPerDay: 1_000_000_000n, referenceProviders: new Set() },
      {
        market: market.providers,
        asker,
        store: createCheckStore(db.database),
        clock: market.clock,
        random: createSeededRandom(1),
        logger: silentLogger,
      },
    );
  const idOf = (index: number) =>
    market.providers
      .offersOf('m')
      .find(({ provider }) => provider.deviceId === providers[index]?.actor.deviceId)?.provider.id ?? '';
  const askAll = async (by: AccountActor) => {
    for (const index of weights.keys()) {
      const preferences = { ...market.order().preferences, only: [idOf(index)] };
      await eventsOf(
        await market.requests.createRequest(by, market.order({ preferences, completionTokensMax: 10 })),
      );
    }
  };
  return { market, payer, customer, providers, service, asker, idOf, askAll };
}

describe('a check', () => {
  it('is a chat like any other, held, paid and shown to its provider as such', async () => {
    const { market, payer, providers, asker, idOf } = await createCheckedMarket(['right']);
    const [offer] = market.providers.checkableOffers();
    const question = { model: 'm', prompt: 'List five words about the moon.', seed: 7, tokensMax: 20 };
    const asked = await asker.ask(offer as NonNullable<typeof offer>, question, 2_000_000_000n);
    expect(asked?.answer.text).toContain('right');
    const [order] = providers[0]?.requests ?? [];
    expect(bodyOf(order as ProviderOrder)).toEqual({
      model: 'm',
      messages: [{ role: 'user', content: question.prompt }],
      max_tokens: 20,
      temperature: 0,
      seed: 7,
    });
    expect(Object.keys(order ?? {})).not.toContain('isCheck');
    const transaction = await market.lastTransaction(payer);
    expect(transaction).toMatchObject({ state: 'COMPLETED', providerId: idOf(0) });
    expect(asked?.costMicrocents).toBe(transaction?.costMicrocents);
    const provider = providers[0] as NonNullable<(typeof providers)[0]>;
    expect(await market.lastTransaction(provider.owner)).toBeUndefined();
  });

  it('costs no more than it may, and asks nobody of its own payer', async () => {
    const { market, payer, asker } = await createCheckedMarket(['right']);
    const [offer] = market.providers.checkableOffers();
    const question = { model: 'm', prompt: 'Hello', seed: 7, tokensMax: 20 };
    const there = offer as NonNullable<typeof offer>;
    expect(await asker.ask(there, question, 1n)).toBe(null);
    expect(await asker.ask({ ...there, ownerId: payer.tenantId }, question, 2_000_000_000n)).toBe(null);
  });
});

it('finds the one of three that serves another model, gives it no requests, and keeps that for a restart', async () => {
  const { market, customer, providers, service, idOf, askAll } = await createCheckedMarket([
    'right',
    'right',
    'wrong',
  ]);
  const checks = service();
  await checks.start();
  for (let request = 0; request < 12; request++) {
    await askAll(customer).catch(() => {});
    for (let round = 0; round < 3; round++) await checks.checkNext();
  }
  const wrong = idOf(2);
  expect(await market.providers.getProvider(customer, wrong)).toMatchObject({
    checks: [{ model: 'm', verdict: 'doubted' }],
  });
  expect(await market.providers.getProvider(customer, idOf(0))).toMatchObject({
    checks: [{ verdict: 'agrees' }],
  });
  const preferences = { ...market.order().preferences, only: [wrong] };
  const refused = market.requests.createRequest(customer, market.order({ preferences }));
  await expect(refused).rejects.toMatchObject({ code: 'no_provider_available' });
  const owner = providers[2]?.owner as AccountActor;
  const { models } = await market.providers.explainProvider(owner, wrong);
  expect(models[0]?.reasons).toContain('identity_doubted');
  const kept = await createCheckStore(db.database).load();
  expect(kept.find(({ providerId }) => providerId === wrong)).toMatchObject({
    verdict: 'doubted',
    validChecks: 0,
  });
});

it('is kept of a provider until its owner is gone', async () => {
  const store = createCheckStore(db.database);
  const owner = newOwner();
  await addOwner(db.database, owner);
  const check = {
    providerId: owner.accountId as string,
    tenantId: owner.tenantId as string,
    model: 'kept',
    verdict: 'agrees',
    comparedTokens: 12,
    validChecks: 1,
    checkedAtMs: 1_000,
    pausedUntilMs: null,
  } as const;
  await store.save(check);
  await store.save({ ...check, validChecks: 2, pausedUntilMs: 2_000 });
  expect((await store.load()).filter(({ model }) => model === 'kept')).toEqual([
    { ...check, validChecks: 2, pausedUntilMs: 2_000 },
  ]);
});
