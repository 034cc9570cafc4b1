import type OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { withApiKey } from '../../support/api-keys.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { startOpenAiMarket } from '../../support/openai-market.ts';

const asked = { model: 'm', messages: [{ role: 'user' as const, content: 'Hello' }] };

type World = Awaited<ReturnType<typeof startOpenAiMarket>>;
let db: TestDatabase;
let world: World;

beforeAll(async () => {
  db = await createTestDatabase();
  world = await startOpenAiMarket(db);
  for (const token of ['ygk_one', 'ygk_other'])
    world.actors.set(token, await withApiKey(db.database, world.alice));
  world.answerWith(await world.market.provider(), [{ content: 'Hi' }, { content: ' there' }], 'stop');
});
afterAll(async () => {
  await world.server.close();
  await db.close();
});

const look = async (id: string, token: string) => {
  const headers = { authorization: `Bearer ${token}` };
  const response = await fetch(`${world.origin}/v1/generation?id=${id}`, { headers });
  const text = await response.text();
  return {
    status: response.status,
    text,
    data: (JSON.parse(text) as { data?: Record<string, unknown> }).data,
  };
};

/** A chat that came with a token. */
const chat = (token: string): Promise<OpenAI.ChatCompletion> =>
  world.client.withOptions({ apiKey: token }).chat.completions.create(asked);

describe('GET /v1/generation', () => {
  it("says what a request was and cost, in OpenRouter's fields and ours, by the id of its answer", async () => {
    const { id, usage } = await chat('ygu_alice');
    const { cost } = usage as unknown as { cost: { value: string } };
    const found = await look(id, 'ygu_alice');
    expect([found.status, found.data]).toMatchObject([
      200,
      {
        model: 'm',
        finish_reason: 'stop',
        native_finish_reason: 'stop',
        streamed: false,
        cancelled: false,
        is_byok: false,
        tokens_prompt: usage?.prompt_tokens,
        native_tokens_prompt: usage?.prompt_tokens,
        native_tokens_cached: 4,
        native_tokens_completion: usage?.completion_tokens,
        native_tokens_reasoning: 1,
        generation_time: expect.any(Number),
        total_cost: Number(cost.value),
        usage: Number(cost.value),
        state: 'COMPLETED',
        failure_code: null,
        cost,
        refunded: { value: '0', currency: 'EUR' },
        upstream_id: null,
        latency: null,
      },
    ]);
    expect(Number(cost.value)).toBeGreaterThan(0);
    expect(await look(id.replace('chatcmpl-', ''), 'ygu_alice')).toEqual(found);
  });

  it('tells an API key of what came with it, the account of all, and anybody else of nothing', async () => {
    const never = await look('00000000-0000-4000-8000-000000000000', 'ygk_one');
    expect(never.status).toBe(404);
    const ofKey = await chat('ygk_one');
    const ofAccount = await chat('ygu_alice');
    for (const [id, token] of [
      [ofKey.id, 'ygk_other'],
      [ofAccount.id, 'ygk_one'],
      [ofKey.id, 'ygu_poor'],
      ['none', 'ygk_one'],
    ] as const) {
      expect(await look(id, token)).toEqual(never);
    }
    expect((await look(ofKey.id, 'ygk_one')).data).toMatchObject({ state: 'COMPLETED' });
    expect((await look(ofKey.id, 'ygu_alice')).data).toMatchObject({ state: 'COMPLETED' });
  });
});
