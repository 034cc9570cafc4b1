import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { deltaText } from '../../../server/domains/providers/index.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { type FakeProvider, until } from '../../support/market.ts';
import { startOpenAiMarket } from '../../support/openai-market.ts';

type World = Awaited<ReturnType<typeof startOpenAiMarket>>;

let db: TestDatabase;
let world: World | null = null;
let market: World['market'];
let client: World['client'];
let post: World['post'];
let alice: World['alice'];

beforeAll(async () => {
  db = await createTestDatabase();
});
beforeEach(async () => {
  await world?.server.close();
  world = await startOpenAiMarket(db);
  ({ market, client, post, alice } = world);
});
afterAll(async () => {
  await world?.server.close();
  await db.close();
});

const messages = [{ role: 'user' as const, content: 'Say hello.' }];
const serve = (provider: FakeProvider, pieces: readonly string[]) => {
  provider.onRequest = (request) => market.answer(provider, request, pieces, [100, 100]);
};

describe('a chat completion', () => {
  const called = {
    reasoning_content: 'The weather, then.',
    tool_calls: [
      { index: 0, id: 'call_1', type: 'function', function: { name: 'weather', arguments: '{"city":' } },
    ],
  };
  const calledOn = { tool_calls: [{ index: 0, function: { arguments: '"Berlin"}' } }] };
  const callTools = async () => {
    const provider = await market.provider({ context: 512 });
    provider.onRequest = ({ requestId }) => {
      for (const [index, fields] of [called, calledOn].entries()) {
        const delta = { fields, text: deltaText(fields), bytes: JSON.stringify(fields).length };
        market.providers.delta(provider.actor, { requestId, index, delta });
      }
      const claim = { completionTokens: 16, cachedPromptTokens: 3, reasoningTokens: 5 };
      market.result(provider, requestId, { finishReason: 'tool_calls', claim });
    };
    return provider;
  };
  const tools = [
    {
      type: 'function' as const,
      function: { name: 'weather', parameters: { type: 'object', properties: {} } },
    },
  ];

  it('takes tools, and gives reasoning and tool calls to the official client, whole and streamed', async () => {
    const provider = await callTools();
    const asked = { model: 'm', messages, tools, tool_choice: 'auto', reasoning_effort: 'low' } as const;
    const { choices, usage } = await client.chat.completions.create(asked);
    expect(choices[0]).toMatchObject({
      finish_reason: 'tool_calls',
      message: {
        content: null,
        reasoning_content: 'The weather, then.',
        tool_calls: [
          { id: 'call_1', type: 'function', function: { name: 'weather', arguments: '{"city":"Berlin"}' } },
        ],
      },
    });
    expect(choices[0]?.message.tool_calls?.[0]).not.toHaveProperty('index');
    expect(usage).toMatchObject({
      prompt_tokens_details: { cached_tokens: 3 },
      completion_tokens_details: { reasoning_tokens: 5 },
    });
    expect(usage?.prompt_tokens).toBeGreaterThan(20);
    expect(JSON.parse(new TextDecoder().decode(provider.requests[0]?.body))).toEqual(asked);
    const stream = client.chat.completions.stream(asked);
    expect((await stream.finalChatCompletion()).choices[0]?.message.tool_calls?.[0]).toMatchObject({
      function: { name: 'weather', arguments: '{"city":"Berlin"}' },
    });
  });

  it('answers who asks with functions of before tools in that form, whole and streamed', async () => {
    const provider = await callTools();
    const choose = { function_call: 'auto' } as const;
    const asked = { model: 'm', messages, functions: [{ name: 'weather' }], ...choose };
    const whole = { name: 'weather', arguments: '{"city":"Berlin"}' };
    const [choice] = (await client.chat.completions.create(asked)).choices;
    expect(choice).toMatchObject({ finish_reason: 'function_call', message: { function_call: whole } });
    expect(choice?.message).not.toHaveProperty('tool_calls');
    expect(JSON.parse(new TextDecoder().decode(provider.requests[0]?.body))).toMatchObject({
      tools: [{ type: 'function', function: { name: 'weather' } }],
      tool_choice: 'auto',
      parallel_tool_calls: false,
    });
    const heard = { name: '', arguments: '' };
    let finish: string | null = null;
    for await (const { choices } of await client.chat.completions.create({ ...asked, stream: true })) {
      heard.name += choices[0]?.delta.function_call?.name ?? '';
      heard.arguments += choices[0]?.delta.function_call?.arguments ?? '';
      finish = choices[0]?.finish_reason ?? finish;
    }
    expect([heard, finish]).toEqual([whole, 'function_call']);
  });

  it('takes the conversation that tool calls make, and counts all of it', async () => {
    const provider = await market.provider({ context: 512 });
    serve(provider, ['Rain']);
    const call = { id: 'call_1', type: 'function' as const, function: { name: 'weather', arguments: '{}' } };
    const called = { role: 'assistant' as const, content: null, tool_calls: [call] };
    const answered = { role: 'tool' as const, tool_call_id: 'call_1', content: 'rain' };
    const history = [...messages, { ...called, refusal: null }, answered];
    const { usage } = await client.chat.completions.create({ model: 'm', messages: history });
    expect(usage?.prompt_tokens).toBe(10 + (3 + 1 + 2) + (3 + 1 + 1));
    const passed = JSON.parse(new TextDecoder().decode(provider.requests[0]?.body)).messages;
    expect(passed).toEqual([...messages, called, answered]);
  });

  it.each([
    [400, 400],
    [422, 422],
    [413, 413],
  ])(
    'gives the reason of an endpoint that refuses what is asked with %i to whoever asked',
    async (status, answered) => {
      const refusing = async () => {
        const one = await market.provider({ context: 512 });
        one.onRequest = ({ requestId }) =>
          market.fail(one, requestId, {
            fault: 'requester',
            status,
            reason: "Unsupported value: 'reasoning_effort'.",
            param: 'reasoning_effort',
          });
        return one;
      };
      const [provider, other] = [await refusing(), await refusing()];
      for (let i = 0; i < 5; i++) {
        const response = await post(JSON.stringify({ model: 'm', messages }));
        expect(response.status).toBe(answered);
        expect(await response.json()).toEqual({
          error: {
            message: "The provider refuses: Unsupported value: 'reasoning_effort'.",
            type: 'invalid_request_error',
            param: 'reasoning_effort',
            code: 'request_rejected',
          },
        });
      }
      // Nobody else was asked, and nobody is put aside.
      expect(provider.requests.length + other.requests.length).toBe(5);
      serve(provider, ['Hello']);
      serve(other, ['Hello']);
      expect((await post(JSON.stringify({ model: 'm', messages }))).status).toBe(200);
      expect(await market.balance(alice)).toMatchObject({ held: 0 });
    },
  );

  it('asks another provider where one is busy, and holds it against nobody', async () => {
    const busy = await market.provider({ context: 512 });
    busy.onRequest = ({ requestId }) => market.fail(busy, requestId, { fault: 'busy', status: 429 });
    for (let i = 0; i < 5; i++) {
      const response = await post(JSON.stringify({ model: 'm', messages }));
      expect([response.status, response.headers.get('retry-after')]).toEqual([503, '5']);
      expect(await response.json()).toMatchObject({ error: { code: 'provider_busy' } });
    }
    serve(await market.provider({ context: 512 }), ['Hello']);
    expect((await post(JSON.stringify({ model: 'm', messages }))).status).toBe(200);
  });

  it('leaves a model alone whose endpoint has no room for as long as it says, but no other of it, and asks again then', async () => {
    const limited = await market.provider({ price: 1 });
    const other = await market.provider({ price: 1_000 });
    serve(other, ['Other']);
    limited.onRequest = ({ requestId }) =>
      market.fail(limited, requestId, { fault: 'busy', status: 429, retryAfterSeconds: 7 });
    const ask = async () => {
      const answer = await post(JSON.stringify({ model: 'm', messages, max_tokens: 5 }));
      return ((await answer.json()) as { choices: [{ message: { content: string } }] }).choices[0].message
        .content;
    };
    while (limited.requests.length === 0) expect(await ask()).toBe('Other');
    for (let i = 0; i < 5; i++) expect(await ask()).toBe('Other');
    expect(limited.requests.length).toBe(1);
    const { models } = await market.providers.explainProvider(limited.owner, limited.actor.deviceId);
    expect(models[0]?.reasons).toContain('endpoint_full');
    // With nobody else who could, a request waits until the time is over.
    serve(limited, ['Limited']);
    other.reachable = false;
    market.providers.disconnected(other.actor.deviceId, other.link);
    const timers = market.clock.pending;
    const waiting = ask();
    // The request that waits has a timer of its own, for how long it may.
    await until(() => market.clock.pending > timers);
    market.clock.advance(7_000);
    expect(await waiting).toBe('Limited');
  });
});
