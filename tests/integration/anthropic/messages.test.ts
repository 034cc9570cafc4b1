import Anthropic from '@anthropic-ai/sdk';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { bodyOf, startOpenAiMarket } from '../../support/openai-market.ts';

type World = Awaited<ReturnType<typeof startOpenAiMarket>>;

let db: TestDatabase;
let world: World | null = null;
let market: World['market'];
let client: World['anthropic'];
let alice: World['alice'];
let answerWith: World['answerWith'];

beforeAll(async () => {
  db = await createTestDatabase();
});
beforeEach(async () => {
  await world?.server.close();
  world = await startOpenAiMarket(db);
  ({ market, anthropic: client, alice, answerWith } = world);
});
afterAll(async () => {
  await world?.server.close();
  await db.close();
});

const messages = [{ role: 'user' as const, content: 'Say hello.' }];
const asked = { model: 'm', max_tokens: 100, messages } as const;

/** The answer twice: whole, and put together by the official client from its stream. */
async function bothWays(changes: Partial<Anthropic.MessageCreateParamsNonStreaming> = {}) {
  const whole = await client.messages.create({ ...asked, ...changes });
  const streamed = await client.messages.stream({ ...asked, ...changes }).finalMessage();
  return [whole, streamed];
}

describe("a message by Anthropic's official client", () => {
  it('is answered whole and as a stream, billed as a chat completion is', async () => {
    const provider = await market.provider();
    answerWith(provider, [{ content: 'Hello' }, { content: ' world' }], 'stop');
    for (const message of await bothWays()) {
      expect(message).toMatchObject({
        id: expect.stringMatching(/^msg_/),
        type: 'message',
        role: 'assistant',
        model: 'm',
        content: [{ type: 'text', text: 'Hello world' }],
        stop_reason: 'end_turn',
        stop_sequence: null,
        usage: { input_tokens: 6, cache_read_input_tokens: 4, output_tokens: 2 },
      });
    }
    expect(bodyOf(provider)).toEqual({ ...asked });
    expect((await market.balance(alice)).available).toBe(1_000 - 2 * 12);
    const { usage } = await client.messages.create(asked);
    expect(usage).toMatchObject({ cost: { value: '0.12', currency: 'EUR' } });
  });

  it('hands over instructions, sampling, tools and what tools gave', async () => {
    const provider = await market.provider();
    answerWith(provider, [{ content: 'Rain.' }], 'stop');
    const everything = {
      ...asked,
      system: [{ type: 'text', text: 'Be brief.', cache_control: { type: 'ephemeral' } }],
      temperature: 0.5,
      top_p: 0.9,
      top_k: 40,
      stop_sequences: ['END'],
      metadata: { user_id: 'somebody' },
      thinking: { type: 'enabled', budget_tokens: 2_048 },
      tools: [
        { name: 'weather', description: 'Tells it.', input_schema: { type: 'object', properties: {} } },
      ],
      tool_choice: { type: 'any', disable_parallel_tool_use: true },
      messages: [
        ...messages,
        {
          role: 'assistant',
          content: [
            { type: 'thinking', thinking: 'Hm.', signature: '' },
            { type: 'text', text: 'I look.' },
            { type: 'tool_use', id: 'call_1', name: 'weather', input: { city: 'Berlin' } },
            { type: 'tool_use', id: 'call_2', name: 'weather', input: {} },
          ],
        },
        {
          role: 'user',
          content: [
            { type: 'tool_result', tool_use_id: 'call_1', content: [{ type: 'text', text: 'rain' }] },
            { type: 'tool_result', tool_use_id: 'call_2', content: 'no city', is_error: true },
            { type: 'text', text: 'So?' },
          ],
        },
      ],
    };
    await client.messages.create(everything as Anthropic.MessageCreateParamsNonStreaming);
    const call = (id: string, text: string) => ({
      id,
      type: 'function',
      function: { name: 'weather', arguments: text },
    });
    expect(bodyOf(provider)).toEqual({
      model: 'm',
      max_tokens: 100,
      messages: [
        { role: 'system', content: 'Be brief.' },
        ...messages,
        {
          role: 'assistant',
          content: 'I look.',
          reasoning_content: 'Hm.',
          tool_calls: [call('call_1', '{"city":"Berlin"}'), call('call_2', '{}')],
        },
        { role: 'tool', tool_call_id: 'call_1', content: 'rain' },
        { role: 'tool', tool_call_id: 'call_2', content: 'Error: no city' },
        { role: 'user', content: 'So?' },
      ],
      temperature: 0.5,
      top_p: 0.9,
      top_k: 40,
      stop: ['END'],
      reasoning_effort: 'low',
      tools: [
        {
          type: 'function',
          function: {
            name: 'weather',
            description: 'Tells it.',
            parameters: { type: 'object', properties: {} },
          },
        },
      ],
      tool_choice: 'required',
      parallel_tool_calls: false,
    });
  });

  it('gets reasoning, text and calls of tools as blocks, one after the other', async () => {
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
      piece(0, 'call_1', 'weather', ''),
      piece(0, null, null, '{"city":'),
      piece(0, null, null, '"Berlin"}'),
      // A name that comes after its id.
      piece(1, 'call_2', null, ''),
      piece(1, null, 'time', '{}'),
    ];
    answerWith(provider, deltas, 'tool_calls');
    for (const message of await bothWays()) {
      expect(message.stop_reason).toBe('tool_use');
      expect(message.content).toMatchObject([
        { type: 'thinking', thinking: 'The weather, then.' },
        { type: 'text', text: 'I look.' },
        { type: 'tool_use', id: 'call_1', name: 'weather', input: { city: 'Berlin' } },
        { type: 'tool_use', id: 'call_2', name: 'time', input: {} },
      ]);
    }
  });

  it.each([
    ['length', 'max_tokens'],
    ['content_filter', 'refusal'],
    ['something_new', 'something_new'],
  ])('ends with %s as %s', async (finishReason, stopReason) => {
    const provider = await market.provider();
    answerWith(provider, [{ content: 'Hello' }], finishReason);
    for (const message of await bothWays()) expect(message.stop_reason).toBe(stopReason);
  });

  it('may be empty, and may have arguments that are no JSON', async () => {
    const provider = await market.provider();
    answerWith(provider, [], 'stop');
    for (const message of await bothWays()) expect(message.content).toEqual([]);
    const call = { index: 0, id: 'c', type: 'function', function: { name: 'f', arguments: '{"half' } };
    answerWith(provider, [{ tool_calls: [call] }], 'tool_calls');
    expect((await client.messages.create(asked)).content).toMatchObject([
      { type: 'tool_use', name: 'f', input: { arguments: '{"half' } },
    ]);
  });

  it('that fails in mid-stream is an error to the client, and is not billed', async () => {
    const provider = await market.provider();
    provider.onRequest = ({ requestId }) => {
      market.text(provider, requestId, 0, 'Hello');
      market.fail(provider, requestId);
    };
    await expect(client.messages.stream(asked).finalMessage()).rejects.toThrow(/could not be finished/);
    await market.expectUntouched(alice);
  });

  const piece = (index: number | null, name: string, given: string) => ({
    tool_calls: [
      {
        ...(index === null ? {} : { index }),
        ...(name === '' ? {} : { id: `call_${name}` }),
        function: { ...(name === '' ? {} : { name }), arguments: given },
      },
    ],
  });
  const [first, second] = [
    { name: 'a', input: { x: '}' } },
    { name: 'b', input: {} },
  ];
  it.each([
    [
      'mixed',
      [
        piece(0, 'a', ''),
        piece(1, 'b', ''),
        piece(0, '', '{"x":'),
        piece(1, '', '{'),
        piece(0, '', '"}"}'),
        piece(1, '', '}'),
      ],
    ],
    ['in another order', [piece(1, 'a', '{"x":"}"}'), piece(0, 'b', '{}')]],
    ['without numbers', [piece(null, 'a', '{"x"'), piece(null, '', ':"}"}'), piece(null, 'b', '{}')]],
    [
      'with an empty piece after what follows',
      [piece(0, 'a', '{"x":"}"}'), piece(1, 'b', '{}'), piece(0, '', ''), piece(1, '', '')],
    ],
  ])('gets calls of tools whose pieces come %s', async (_, deltas) => {
    const provider = await market.provider();
    answerWith(provider, deltas, 'tool_calls');
    for (const message of await bothWays()) expect(message.content).toMatchObject([first, second]);
  });

  it('that calls a tool says so in its reason, though the endpoint calls it a stop', async () => {
    const provider = await market.provider();
    answerWith(provider, [piece(0, 'a', '{"x":"}"}')], 'stop');
    for (const message of await bothWays()) expect(message.stop_reason).toBe('tool_use');
  });

  it('may have a limit beyond what the context takes, which then limits nothing', async () => {
    const provider = await market.provider({ context: 2_000 });
    answerWith(provider, [{ content: 'Hello' }], 'stop');
    for (const message of await bothWays({ max_tokens: 20_000 }))
      expect(message.stop_reason).toBe('end_turn');
    expect(bodyOf(provider)).toEqual({ model: 'm', messages });
    const long = [{ role: 'user' as const, content: 'word '.repeat(3_000) }];
    await expect(client.messages.create({ ...asked, messages: long })).rejects.toThrow(
      /context_length_exceeded/,
    );
  });

  it('has text without null, which some clients refuse', async () => {
    const provider = await market.provider();
    answerWith(provider, [{ content: 'Hello' }], 'stop');
    const { content } = await client.messages.create(asked);
    expect(content).toEqual([{ type: 'text', text: 'Hello' }]);
  });

  it('is refused in the words of Anthropic, naming what is wrong', async () => {
    await market.provider();
    const refusal = async (changes: object) => {
      const error: unknown = await client.messages
        .create({ ...asked, ...changes } as Anthropic.MessageCreateParamsNonStreaming)
        .catch((reason: unknown) => reason);
      if (!(error instanceof Anthropic.APIError)) throw error;
      const body = error.error as { error: { type: string; param?: string } };
      return [error.status, body.error.type, body.error.param];
    };
    const image = { type: 'image', source: { type: 'url', url: 'http://127.0.0.1/x.png' } };
    expect(await refusal({ model: 'none' })).toEqual([404, 'not_found_error', undefined]);
    expect(await refusal({ max_tokens: 0 })).toEqual([400, 'invalid_request_error', 'max_tokens']);
    expect(await refusal({ container: 'c' })).toEqual([400, 'invalid_request_error', 'container']);
    expect(await refusal({ messages: [{ role: 'user', content: [image] }] })).toEqual([
      400,
      'invalid_request_error',
      'messages.0.content.0.image_url.url',
    ]);
    expect(await refusal({ tools: [{ type: 'web_search_20250305', name: 'web_search' }] })).toEqual([
      400,
      'invalid_request_error',
      'tools.0.type',
    ]);
    const poor = new Anthropic({ apiKey: 'ygu_poor', baseURL: world?.origin ?? '', maxRetries: 0 });
    await expect(poor.messages.create(asked)).rejects.toMatchObject({
      status: 402,
      error: { error: { type: 'billing_error', code: 'insufficient_balance' } },
    });
  });

  it('that begins a stored thread is refused so that the client goes on without it', async () => {
    const error: unknown = await client.messages
      .create({ ...asked, thread: { type: 'create' } } as never)
      .catch((reason: unknown) => reason);
    expect((error as InstanceType<typeof Anthropic.APIError>).error).toMatchObject({
      error: { param: 'thread', details: { error_code: 'thread_unsupported_request' } },
    });
  });

  it('takes what clients send without asking for anything', async () => {
    const provider = await market.provider();
    answerWith(provider, [{ content: 'Hello' }], 'stop');
    const nothing = {
      system: null,
      tools: [],
      tool_choice: null,
      stop_sequences: [],
      mcp_servers: [],
      container: null,
      context_management: null,
      service_tier: 'auto',
      thinking: { type: 'disabled' },
      metadata: {},
    };
    const message = await client.messages.create({ ...asked, ...nothing } as never);
    expect(message.content).toMatchObject([{ text: 'Hello' }]);
    expect(bodyOf(provider)).toEqual({ ...asked });
    // What it got is taken back as history.
    await client.messages.create({
      ...asked,
      messages: [...messages, { role: message.role, content: message.content }, ...messages],
    });
    expect((bodyOf(provider).messages as unknown[])[1]).toEqual({ role: 'assistant', content: 'Hello' });
  });

  it('is for the models that are listed, page by page', async () => {
    for (const model of ['a', 'b', 'c']) await market.provider({ model });
    const names: string[] = [];
    for await (const { id, display_name } of client.models.list({ limit: 2 })) {
      expect(display_name).toBe(id);
      names.push(id);
    }
    expect(names).toEqual(['a', 'b', 'c']);
    expect(await client.models.retrieve('b')).toMatchObject({ id: 'b', type: 'model' });
  });

  it('is counted without asking anybody', async () => {
    expect(await client.messages.countTokens({ model: 'm', messages })).toEqual({ input_tokens: 10 });
    const more = await client.messages.countTokens({ model: 'm', messages, system: 'Be brief.' });
    expect(more.input_tokens).toBeGreaterThan(13);
    await market.expectUntouched(alice);
  });
});
