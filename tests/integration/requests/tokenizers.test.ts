import { afterAll, beforeAll, expect, it } from 'vitest';
import type { AccountActor } from '../../../server/kernel/actor.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { createMarket, eventsOf } from '../../support/market.ts';

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(() => db.close());

const HASH = 'ab'.repeat(32);
const characters = (slices: readonly string[]) => slices.reduce((sum, { length }) => sum + length, 0);

async function serve(
  market: ReturnType<typeof createMarket>,
  pieces: readonly string[],
  changes: Parameters<typeof market.order>[0] = {},
): Promise<AccountActor> {
  const alice = await market.customer(10_000);
  const provider = await market.provider();
  provider.onRequest = ({ requestId }) => {
    pieces.forEach((piece, index) => {
      market.text(provider, requestId, index, piece);
    });
    market.result(provider, requestId, { claim: { promptTokens: 1_000, completionTokens: 1_000 } });
  };
  await eventsOf(await market.requests.createRequest(alice, market.order(changes)));
  return alice;
}

it('bills prompt and answer by the tokenizer of the model, and says which', async () => {
  const market = createMarket(db, {
    modelTokenizers: {
      tokenizerOf: (model) => (model === 'm' ? HASH : null),
      countTokens: async (_, portions) => portions.map(characters),
    },
  });
  const asked: (string | null)[] = [];
  const countPromptTokens = async (_: number, tokenizer: string | null) => {
    asked.push(tokenizer);
    return 7;
  };
  const alice = await serve(market, ['Hel', 'lo'], { countPromptTokens });
  expect(asked).toEqual([HASH]);
  const transaction = await market.lastTransaction(alice);
  expect(transaction).toMatchObject({ billedTokens: 7 + 5, completionTokens: 5, tokenizer: HASH });
});

it('counts with o200k_base where the model has none, and calls that an estimate', async () => {
  const market = createMarket(db);
  const alice = await serve(market, ['Hello']);
  const transaction = await market.lastTransaction(alice);
  expect(transaction).toMatchObject({ billedTokens: 11, completionTokens: 1, tokenizer: null });
});

it('counts with o200k_base where the tokenizer fails at the end, and calls that an estimate', async () => {
  const market = createMarket(db, {
    modelTokenizers: {
      tokenizerOf: () => HASH,
      countTokens: () => Promise.reject(new Error('too slow')),
    },
  });
  const alice = await serve(market, ['Hello']);
  expect(await market.lastTransaction(alice)).toMatchObject({ completionTokens: 1, tokenizer: null });
});

it('counts no padding, whichever tokenizer counts', async () => {
  const market = createMarket(db, {
    modelTokenizers: {
      tokenizerOf: () => HASH,
      countTokens: async (_, portions) => portions.map(characters),
    },
  });
  const alice = await serve(market, ['Hello', '\u200b'.repeat(4_000), ' ', 'x'.repeat(5_000)], {
    completionTokensMax: 8_000,
  });
  const { completionTokens } = (await market.lastTransaction(alice)) ?? { completionTokens: 0 };
  expect(completionTokens).toBe(6 + 256);
});
