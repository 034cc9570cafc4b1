import OpenAI from 'openai';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { bodyOf, startOpenAiMarket } from '../../support/openai-market.ts';

type World = Awaited<ReturnType<typeof startOpenAiMarket>>;
type Asked = Partial<OpenAI.Responses.ResponseCreateParamsNonStreaming>;

let db: TestDatabase;
let world: World | null = null;
let market: World['market'];
let client: World['client'];
let alice: World['alice'];
let answerWith: World['answerWith'];

beforeAll(async () => {
  db = await createTestDatabase();
});
beforeEach(async () => {
  await world?.server.close();
  world = await startOpenAiMarket(db);
  ({ market, client, alice, answerWith } = world);
});
afterAll(async () => {
  await world?.server.close();
  await db.close();
});

const asked = { model: 'm', input: 'Say hello.', max_output_tokens: 100 };

/** The answer twice: whole, and at the end of its stream. */
async function bothWays(changes: Asked = {}) {
  const whole = await client.responses.create({ ...asked, ...changes });
  const events = await client.responses.create({ ...asked, ...changes, stream: true });
  let streamed = whole;
  for await (const event of events) {
    if (event.type === 'response.completed' || event.type === 'response.incomplete')
      streamed = event.response;
  }
  expect(streamed).not.toBe(whole);
  return [whole, streamed];
}

const weather = {
  type: 'function' as const,
  name: 'weather',
  description: 'Tells it.',
  parameters: { type: 'object', properties: {} },
  strict: true,
};

describe("a response by OpenAI's official client", () => {
  it('is answered whole and as a stream, billed as a chat completion is', async () => {
    const provider = await market.provider();
    answerWith(provider, [{ content: 'Hello' }, { content: ' world' }], 'stop');
    for (const response of await bothWays({ metadata: { purpose: 'test' } })) {
      expect(response).toMatchObject({
        id: expect.stringMatching(/^resp_/),
        object: 'response',
        status: 'completed',
        model: 'm',
        metadata: { purpose: 'test' },
        error: null,
        incomplete_details: null,
        usage: {
          input_tokens: 10,
          input_tokens_details: { cached_tokens: 4 },
          output_tokens: 2,
          output_tokens_details: { reasoning_tokens: 1 },
          total_tokens: 12,
          cost: { value: '0.12', currency: 'EUR' },
        },
      });
      expect(response.output).toMatchObject([
        {
          type: 'message',
          role: 'assistant',
          status: 'completed',
          content: [{ type: 'output_text', text: 'Hello world' }],
        },
      ]);
    }
    expect(bodyOf(provider)).toEqual({
      model: 'm',
      messages: [{ role: 'user', content: 'Say hello.' }],
      max_completion_tokens: 100,
    });
    expect((await market.balance(alice)).available).toBe(1_000 - 2 * 12);
  });

  it('hands over instructions, sampling, tools, formats and the conversation', async () => {
    const provider = await market.provider();
    answerWith(provider, [{ content: '{}' }], 'stop');
    await client.responses.create({
      ...asked,
      instructions: 'Be brief.',
      temperature: 0.5,
      top_p: 0.9,
      tools: [weather],
      tool_choice: { type: 'function', name: 'weather' },
      parallel_tool_calls: false,
      reasoning: { effort: 'low' },
      text: {
        format: { type: 'json_schema', name: 'answer', schema: { type: 'object' }, strict: true },
        verbosity: 'low',
      },
      user: 'somebody',
      input: [
        { role: 'user', content: [{ type: 'input_text', text: 'Rain?' }] },
        { type: 'reasoning', id: 'rs_1', summary: [], content: [{ type: 'reasoning_text', text: 'Hm.' }] },
        {
          type: 'message',
          id: 'msg_1',
          status: 'completed',
          role: 'assistant',
          content: [{ type: 'output_text', text: 'I look.', annotations: [] }],
        },
        { type: 'function_call', id: 'fc_1', call_id: 'c1', name: 'weather', arguments: '{"city":"Berlin"}' },
        { type: 'function_call', call_id: 'c2', name: 'weather', arguments: '{}' },
        { type: 'function_call_output', call_id: 'c1', output: 'rain' },
        { type: 'function_call_output', call_id: 'c2', output: [{ type: 'input_text', text: 'none' }] },
        { role: 'user', content: 'So?' },
      ],
    });
    const call = (id: string, text: string) => ({
      id,
      type: 'function',
      function: { name: 'weather', arguments: text },
    });
    expect(bodyOf(provider)).toEqual({
      model: 'm',
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'Rain?' },
        {
          role: 'assistant',
          content: 'I look.',
          reasoning_content: 'Hm.',
          tool_calls: [call('c1', '{"city":"Berlin"}'), call('c2', '{}')],
        },
        { role: 'tool', tool_call_id: 'c1', content: 'rain' },
        { role: 'tool', tool_call_id: 'c2', content: 'none' },
        { role: 'user', content: 'So?' },
      ],
      max_completion_tokens: 100,
      temperature: 0.5,
      top_p: 0.9,
      tools: [
        {
          type: 'function',
          function: {
            name: 'weather',
            description: 'Tells it.',
            parameters: { type: 'object', properties: {} },
            strict: true,
          },
        },
      ],
      tool_choice: { type: 'function', function: { name: 'weather' } },
      parallel_tool_calls: false,
      reasoning_effort: 'low',
      verbosity: 'low',
      response_format: {
        type: 'json_schema',
        json_schema: { name: 'answer', schema: { type: 'object' }, strict: true },
      },
    });
  });

  it.each([
    [{ enabled: true }, 'medium'],
    [{ enabled: false }, 'none'],
    [{ max_tokens: 20_000 }, 'high'],
    [{ summary: 'auto' }, null],
  ] as const)("takes OpenRouter's reasoning: %j", async (reasoning, effort) => {
    const provider = await market.provider();
    answerWith(provider, [{ content: 'Hi' }], 'stop');
    const response = await client.responses.create({ ...asked, reasoning: reasoning as object });
    expect(response.reasoning).toMatchObject({ effort });
    expect(bodyOf(provider).reasoning_effort ?? null).toBe(effort);
  });

  it('gets reasoning, text and calls of tools as items, and takes them back as history', async () => {
    const provider = await market.provider();
    const piece = (index: number, id: string | null, name: string | null, text: string) => ({
      tool_calls: [
        { index, ...(id === null ? {} : { id }), function: { ...(name ? { name } : {}), arguments: text } },
      ],
    });
    const deltas = [
      { reasoning_content: 'The weather,' },
      { reasoning_content: ' then.' },
      { content: 'I look.' },
      piece(0, 'c1', 'weather', '{"city":'),
      piece(0, null, null, '"Berlin"}'),
      piece(1, 'c2', 'time', '{}'),
    ];
    answerWith(provider, deltas, 'tool_calls');
    for (const response of await bothWays({ tools: [weather] })) {
      expect(response.output).toMatchObject([
        { type: 'reasoning', content: [{ type: 'reasoning_text', text: 'The weather, then.' }] },
        { type: 'message', content: [{ type: 'output_text', text: 'I look.' }] },
        { type: 'function_call', call_id: 'c1', name: 'weather', arguments: '{"city":"Berlin"}' },
        { type: 'function_call', call_id: 'c2', name: 'time', arguments: '{}' },
      ]);
      const next = [...response.output, { type: 'function_call_output', call_id: 'c1', output: 'rain' }];
      await client.responses.create({ ...asked, input: next as OpenAI.Responses.ResponseInput });
      expect((bodyOf(provider).messages as object[])[0]).toMatchObject({
        content: 'I look.',
        reasoning_content: 'The weather, then.',
        tool_calls: [{ id: 'c1' }, { id: 'c2' }],
      });
    }
  });

  it.each([
    ['length', 'max_output_tokens'],
    ['content_filter', 'content_filter'],
  ])('that ends with %s is incomplete for the reason %s', async (finishReason, reason) => {
    const provider = await market.provider();
    answerWith(provider, [{ content: 'Hello' }], finishReason);
    for (const response of await bothWays()) {
      expect(response).toMatchObject({ status: 'incomplete', incomplete_details: { reason } });
    }
  });

  it('may be a refusal, and may be empty', async () => {
    const provider = await market.provider();
    answerWith(provider, [{ refusal: 'I won' }, { refusal: '’t.' }], 'stop');
    for (const { output } of await bothWays()) {
      expect(output).toMatchObject([{ content: [{ type: 'refusal', refusal: 'I won’t.' }] }]);
    }
    answerWith(provider, [], 'stop');
    for (const { output } of await bothWays()) expect(output).toEqual([]);
  });

  it('that fails in mid-stream is an error to the client, and is not billed', async () => {
    const provider = await market.provider();
    provider.onRequest = ({ requestId }) => {
      market.text(provider, requestId, 0, 'Hello');
      market.fail(provider, requestId);
    };
    await expect(client.responses.create({ ...asked })).rejects.toBeInstanceOf(OpenAI.InternalServerError);
    const types: string[] = [];
    const read = async () => {
      for await (const event of await client.responses.create({ ...asked, stream: true })) {
        types.push(event.type);
      }
    };
    await expect(read()).rejects.toThrow(/could not be finished/);
    expect(types.at(-1)).toBe('response.failed');
    await market.expectUntouched(alice);
  });

  it('numbers its events, and says each piece of text once', async () => {
    const provider = await market.provider();
    answerWith(provider, [{ content: 'Hello' }, { content: ' world' }], 'stop');
    const events: OpenAI.Responses.ResponseStreamEvent[] = [];
    for await (const event of await client.responses.create({ ...asked, stream: true })) events.push(event);
    expect(events.map((event) => event.sequence_number)).toEqual(events.map((_, index) => index));
    expect(events.map((event) => event.type)).toEqual([
      'response.created',
      'response.in_progress',
      'response.output_item.added',
      'response.content_part.added',
      'response.output_text.delta',
      'response.output_text.delta',
      'response.output_text.done',
      'response.content_part.done',
      'response.output_item.done',
      'response.completed',
    ]);
  });

  it('is refused for what is not served, naming it', async () => {
    await market.provider();
    const refusal = async (changes: object) => {
      const error: unknown = await client.responses
        .create({ ...asked, ...changes } as OpenAI.Responses.ResponseCreateParamsNonStreaming)
        .catch((reason: unknown) => reason);
      if (!(error instanceof OpenAI.APIError)) throw error;
      return [error.status, error.param, error.message];
    };
    const image = { type: 'input_image', image_url: 'http://127.0.0.1/x.png' };
    for (const [changes, param] of [
      [{ previous_response_id: 'resp_1' }, 'previous_response_id'],
      [{ tools: [{ type: 'web_search' }] }, 'tools.0.type'],
      [{ input: [{ role: 'user', content: [image] }] }, 'messages.0.content.0.image_url.url'],
      [{ input: [{ type: 'item_reference', id: 'msg_1' }] }, 'input.0.id'],
      [{ max_output_tokens: 0 }, 'max_output_tokens'],
    ] as const) {
      expect(await refusal(changes)).toEqual([400, param, expect.any(String)]);
    }
    expect(await refusal({ model: 'none' })).toEqual([404, null, expect.any(String)]);
  });

  it('takes what clients send without asking for anything', async () => {
    const provider = await market.provider();
    answerWith(provider, [{ content: 'Hello' }], 'stop');
    const nothing = {
      previous_response_id: null,
      conversation: null,
      prompt: null,
      background: false,
      store: false,
      truncation: 'disabled',
      include: [],
      top_logprobs: 0,
      service_tier: 'auto',
      tools: [],
      tool_choice: 'auto',
      reasoning: {},
      text: { format: { type: 'text' } },
      metadata: {},
      max_tool_calls: null,
    };
    const response = await client.responses.create({ ...asked, ...nothing } as never);
    expect(response.output_text).toBe('Hello');
  });
});
