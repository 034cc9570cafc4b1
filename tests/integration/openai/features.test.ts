import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { cents, until } from '../../support/market.ts';
import { bodyOf, startOpenAiMarket } from '../../support/openai-market.ts';

type World = Awaited<ReturnType<typeof startOpenAiMarket>>;

let db: TestDatabase;
let world: World | null = null;
let market: World['market'];
let client: World['client'];
let alice: World['alice'];
let answerWith: World['answerWith'];
let post: World['post'];

beforeAll(async () => {
  db = await createTestDatabase();
});
beforeEach(async () => {
  await world?.server.close();
  world = await startOpenAiMarket(db);
  ({ market, client, alice, answerWith, post } = world);
});
afterAll(async () => {
  await world?.server.close();
  await db.close();
});

const messages = [{ role: 'user' as const, content: 'Say hello.' }];
const PIXEL =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
const image = (url: string) => [{ role: 'user', content: [{ type: 'image_url', image_url: { url } }] }];
const sound = { type: 'input_audio', input_audio: { data: 'AAAA', format: 'wav' } };
/** 32-bit floats as a provider sends them. */
const floats = (...numbers: number[]) => Buffer.from(new Float32Array(numbers).buffer).toString('base64');
const vectors = (...all: number[][]) => ({
  embeddings: all.map((numbers, index) => ({ index, embedding: floats(...numbers) })),
});

const NEEDS: [string, object, string][] = [
  ['tools', { tools: [{ type: 'function', function: { name: 'f' } }] }, 'tools'],
  ['structured_output', { response_format: { type: 'json_object' } }, 'response_format'],
  ['logprobs', { logprobs: true, top_logprobs: 2 }, 'logprobs'],
  ['n', { n: 2 }, 'n'],
  ['images', { messages: image(`data:image/png;base64,${PIXEL}`) }, 'messages.0.content.0'],
  ['audio', { messages: [{ role: 'user', content: [sound] }] }, 'messages.0.content.0'],
];

describe('what a provider can do', () => {
  it.each(NEEDS)(
    'decides who is asked for %s, and who lacks it is the reason',
    async (feature, asked, param) => {
      const plain = await market.provider({ features: ['chat'], price: 1 });
      const ask = () => post(JSON.stringify({ model: 'm', messages, max_tokens: 9, ...asked }));
      const refused = await ask();
      expect([refused.status, await refused.json()]).toMatchObject([
        400,
        { error: { code: 'feature_not_supported', type: 'invalid_request_error', param } },
      ]);
      const able = await market.provider({ features: ['chat', feature], price: 100 });
      const second = { index: 1, delta: { content: 'Hi' }, finish_reason: 'stop' };
      answerWith(able, [{ content: 'Hello', ...(feature === 'n' ? { choices: [second] } : {}) }], 'stop');
      expect((await ask()).status).toBe(200);
      expect(bodyOf(able)).toMatchObject({ messages, ...asked });
      expect(plain.requests).toEqual([]);
    },
  );

  it('may be a field that nobody else knows, which is counted and given to nobody else', async () => {
    await market.provider({ features: ['chat'] });
    const ask = () =>
      post(JSON.stringify({ model: 'm', messages, max_tokens: 9, logit_bias: { 50256: -100 } }));
    expect(await (await ask()).json()).toMatchObject({
      error: { code: 'feature_not_supported', param: 'logit_bias' },
    });
    const able = await market.provider({ features: ['chat'], fields: ['logit_bias', 'grammar'] });
    answerWith(able, [{ content: 'Hello' }], 'stop');
    const { usage } = (await (await ask()).json()) as { usage: { prompt_tokens: number } };
    expect(bodyOf(able)).toMatchObject({ logit_bias: { 50256: -100 } });
    expect(usage.prompt_tokens).toBeGreaterThan(20);
  });

  it('is nothing new of one who does not say, and is told with its model', async () => {
    await market.provider({ model: 'old' });
    await market.provider({ model: 'new', features: ['images', 'chat', 'of_a_later_version'] });
    const models = [];
    for await (const model of client.models.list()) models.push(model);
    expect(models).toMatchObject([
      { id: 'new', features: ['chat', 'images'] },
      { id: 'old', features: ['chat', 'tools', 'structured_output', 'reasoning'] },
    ]);
    expect(await client.models.retrieve('new')).toMatchObject({ context_tokens_max: 8_192 });
  });
});

describe('any model', () => {
  it('is the cheapest that can do what is asked, over all providers, and the next where that one fails', async () => {
    const plain = await market.provider({ model: 'plain', price: 1, features: ['chat'] });
    const cheap = await market.provider({ model: 'cheap', price: 2, features: ['chat', 'tools'] });
    const dear = await market.provider({ model: 'dear', price: 9, features: ['chat', 'tools'] });
    const tools = [{ type: 'function' as const, function: { name: 'f' } }];
    for (const provider of [plain, dear]) answerWith(provider, [{ content: 'Hi' }], 'stop');
    cheap.onRequest = ({ requestId }) => market.fail(cheap, requestId);
    const ask = (changes: object) =>
      client.chat.completions.create({ model: 'auto', messages, max_tokens: 9, ...changes });
    expect((await ask({})).model).toBe('plain');
    expect((await ask({ tools })).model).toBe('dear');
    expect(cheap.requests).toHaveLength(1);
    await expect(ask({ logprobs: true })).rejects.toMatchObject({ code: 'feature_not_supported' });
    const offered = market.provider({ model: 'auto' });
    await expect(offered).rejects.toMatchObject({ code: 'invalid_input' });
  });
});

describe('several answers', () => {
  const two = [
    { content: 'Hello', choices: [{ index: 1, delta: { content: 'Good' } }] },
    { content: ' world', choices: [{ index: 1, delta: { content: ' day' } }] },
    { choices: [{ index: 1, delta: {}, finish_reason: 'length' }] },
  ];

  it('are held for each, given whole or as they come, and billed together', async () => {
    const provider = await market.provider({ features: ['chat', 'n'] });
    answerWith(provider, two, 'stop');
    const serve = provider.onRequest;
    let held = 0;
    provider.onRequest = async (order) => {
      ({ held } = await market.balance(alice));
      serve(order);
    };
    const asked = { model: 'm', messages, n: 2, max_tokens: 20 };
    const whole = await client.chat.completions.create(asked);
    expect(held).toBe(10 + 2 * 20);
    const stream = client.chat.completions.stream({ ...asked, stream_options: { include_usage: true } });
    for (const { choices, usage } of [whole, await stream.finalChatCompletion()]) {
      expect(choices).toMatchObject([
        { index: 0, finish_reason: 'stop', message: { content: 'Hello world' } },
        { index: 1, finish_reason: 'length', message: { content: 'Good day' } },
      ]);
      expect(usage).toMatchObject({ completion_tokens: 4, cost: { value: '0.14' } });
    }
  });

  it('of which one is missing, or is more than were asked for, are an answer that is malformed', async () => {
    const asked = { model: 'm', messages, n: 2, max_tokens: 20 };
    const short = await market.provider({ features: ['chat', 'n'] });
    for (const deltas of [[{ content: 'Hello' }], [{ content: 'a', choices: [{ index: 2, delta: {} }] }]]) {
      answerWith(short, deltas, 'stop');
      const serve = short.onRequest;
      short.onRequest = (order) => expect(() => serve(order)).toThrow('breaks the protocol');
      const refused = await client.chat.completions.create(asked).catch(({ code }) => code);
      expect(refused).toBe('provider_answer_malformed');
    }
    await market.expectUntouched(alice);
  });
});

describe('how likely each token was', () => {
  it('comes with the text that it is of, and costs nothing', async () => {
    const logprobs = (token: string) => ({
      content: [{ token, logprob: -0.1, bytes: null, top_logprobs: [] }],
    });
    const provider = await market.provider({ features: ['chat', 'logprobs'] });
    const deltas = ['Hello', ' world'].map((content) => ({ content, logprobs: logprobs(content) }));
    answerWith(provider, deltas, 'stop');
    const asked = { model: 'm', messages, logprobs: true, max_tokens: 20 };
    const whole = await client.chat.completions.create(asked);
    const streamed = await client.chat.completions.stream(asked).finalChatCompletion();
    for (const { choices } of [whole, streamed])
      expect(choices[0]?.logprobs?.content?.map(({ token }) => token)).toEqual(['Hello', ' world']);
    expect(whole.usage?.completion_tokens).toBe(2);
  });
});

describe('an image', () => {
  it.each([
    ['no image', 'data:image/png;base64,SGVsbG8='],
    ['no base64', 'data:image/png;base64,%%%'],
    ['of another kind', `data:image/svg+xml;base64,${PIXEL}`],
    ['a file', 'file:///etc/passwd'],
    ['inside a network', 'http://169.254.169.254/latest/meta-data'],
    ['inside a network by another notation', 'http://0x7f.1/x.png'],
    ['inside a network by name', 'https://printer.local/x.png'],
    ['behind a password', 'https://user:pass@example.org/x.png'],
  ])('that is %s is refused by name', async (_, url) => {
    await market.provider({ features: ['chat', 'images'] });
    const refused = await post(JSON.stringify({ model: 'm', messages: image(url) }));
    expect([refused.status, await refused.json()]).toMatchObject([
      400,
      { error: { code: 'invalid_input', param: 'messages.0.content.0.image_url.url' } },
    ]);
  });

  it('comes by a response and by Anthropic, too', async () => {
    const provider = await market.provider({ features: ['chat', 'images'], price: 100 });
    answerWith(provider, [{ content: 'A dot.' }], 'stop');
    const url = `data:image/png;base64,${PIXEL}`;
    const input = [{ role: 'user', content: [{ type: 'input_image', image_url: url, detail: 'low' }] }];
    await client.responses.create({ model: 'm', input: input as never, max_output_tokens: 9 });
    expect(bodyOf(provider).messages).toEqual([
      { role: 'user', content: [{ type: 'image_url', image_url: { url, detail: 'low' } }] },
    ]);
    const source = { type: 'base64', media_type: 'image/png', data: PIXEL } as const;
    const content = [
      { type: 'text' as const, text: 'What?' },
      { type: 'image' as const, source },
    ];
    await world?.anthropic.messages.create({
      model: 'm',
      max_tokens: 9,
      messages: [{ role: 'user', content }],
    });
    expect(bodyOf(provider).messages).toEqual([
      {
        role: 'user',
        content: [
          { type: 'text', text: 'What?' },
          { type: 'image_url', image_url: { url } },
        ],
      },
    ]);
  });

  it('may be what a tool gave, by Anthropic', async () => {
    const provider = await market.provider({ features: ['chat', 'images', 'tools'], price: 100 });
    answerWith(provider, [{ content: 'A dot.' }], 'stop');
    const source = { type: 'base64', media_type: 'image/png', data: PIXEL } as const;
    const screenshot = { type: 'image', source } as const;
    const result = (id: string, ...content: unknown[]) => ({ type: 'tool_result', tool_use_id: id, content });
    await world?.anthropic.messages.create({
      model: 'm',
      max_tokens: 9,
      messages: [
        { role: 'user', content: 'What?' },
        {
          role: 'assistant',
          content: ['a', 'b'].map((id) => ({ type: 'tool_use', id, name: 'look', input: {} }) as const),
        },
        {
          role: 'user',
          content: [
            result('a', { type: 'text', text: 'a window' }, screenshot),
            result('b', screenshot),
            { type: 'text', text: 'So?' },
          ] as never,
        },
      ],
    });
    const shown = { type: 'image_url', image_url: { url: `data:image/png;base64,${PIXEL}` } };
    expect((bodyOf(provider).messages as unknown[]).slice(2)).toEqual([
      { role: 'tool', tool_call_id: 'a', content: 'a window' },
      { role: 'tool', tool_call_id: 'b', content: 'An image follows.' },
      { role: 'user', content: [shown, shown, { type: 'text', text: 'So?' }] },
    ]);
  });

  it('is counted by the stated estimate', async () => {
    const provider = await market.provider({ features: ['chat', 'images'], price: 100 });
    provider.onRequest = ({ requestId }) => {
      market.text(provider, requestId, 0, 'A dot.');
      market.result(provider, requestId, { claim: null });
    };
    const asked = { model: 'm', max_tokens: 9, messages: image('https://example.org/x.png') as never };
    const { usage } = await client.chat.completions.create(asked);
    expect(usage?.prompt_tokens).toBe(1_105 + 7);
  });
});

describe('POST /v1/completions', () => {
  const asked = { model: 'm', prompt: ['Once', 'Twice'], max_tokens: 20 };

  it('goes on with every prompt, whole and as a stream', async () => {
    await market.provider({ features: ['chat'], price: 1 });
    const provider = await market.provider({ features: ['completions'] });
    const second = { index: 1, delta: { content: ' told' }, finish_reason: 'length' };
    answerWith(provider, [{ content: ' upon' }, { content: ' a time', choices: [second] }], 'stop');
    const whole = await client.completions.create(asked);
    expect(whole).toMatchObject({
      id: expect.stringMatching(/^cmpl-/),
      object: 'text_completion',
      model: 'm',
    });
    expect(whole.choices).toEqual([
      { index: 0, text: ' upon a time', finish_reason: 'stop', logprobs: null },
      { index: 1, text: ' told', finish_reason: 'length', logprobs: null },
    ]);
    expect(whole.usage).toMatchObject({ completion_tokens: 4 });
    expect(bodyOf(provider)).toEqual(asked);
    expect(provider.requests.at(-1)?.task).toMatchObject({ api: 'completions', choices: 2 });
    const texts = ['', ''];
    for await (const { choices } of await client.completions.create({ ...asked, stream: true }))
      for (const { index, text } of choices) texts[index] += text;
    expect(texts).toEqual([' upon a time', ' told']);
  });

  it.each([
    ['a chat only', {}, 'feature_not_supported', 'model'],
    ['an echo', { echo: true }, 'invalid_input', 'echo'],
    ['a suffix', { suffix: 'end' }, 'invalid_input', 'suffix'],
    ['the best of several', { best_of: 3 }, 'invalid_input', 'best_of'],
    ['no prompt', { prompt: [] }, 'invalid_input', 'prompt'],
    ['an empty prompt', { prompt: ['a', ''] }, 'invalid_input', 'prompt'],
    ['mixed prompts', { prompt: ['a', 1] }, 'invalid_input', 'prompt'],
    ['what is no number of a token, once for all of them', { prompt: [-1, -1] }, 'invalid_input', 'prompt'],
    ['too many answers', { n: 65 }, 'invalid_input', 'n'],
  ])('refuses %s', async (_, changes, code, param) => {
    await market.provider({ features: ['chat'] });
    const refused = await client.completions
      .create({ ...asked, ...(changes as object) })
      .catch((error) => error);
    expect(refused).toMatchObject({ status: 400, code, param });
  });
});

describe('POST /v1/embeddings', () => {
  it('gives the official client vectors, and bills their prompt alone', async () => {
    await market.provider({ features: ['chat'], price: 1 });
    const provider = await market.provider({ features: ['embeddings'] });
    answerWith(
      provider,
      [vectors([0.1, -2]), { embeddings: [{ index: 1, embedding: floats(3, 4) }] }],
      'stop',
    );
    const input = ['Hello world', 'Good day'];
    const list = await client.embeddings.create({ model: 'm', input, dimensions: 2 });
    expect(list.data.map(({ embedding }) => Array.from(embedding, Math.fround))).toEqual([
      [Math.fround(0.1), -2],
      [3, 4],
    ]);
    expect(list.usage).toEqual({
      prompt_tokens: 4,
      total_tokens: 4,
      cost: { value: '0.04', currency: 'EUR' },
    });
    expect(bodyOf(provider)).toEqual({ model: 'm', input, dimensions: 2 });
    const plain = await client.embeddings.create({ model: 'm', input, encoding_format: 'float' });
    expect(plain.data[0]?.embedding).toEqual([0.1, -2]);
    const transaction = await market.lastTransaction(alice);
    expect(transaction).toMatchObject({ state: 'COMPLETED', completionTokens: 0, costMicrocents: cents(4) });
  });

  it('takes tokens by their numbers, and texts that only together are longer than the context', async () => {
    const provider = await market.provider({ features: ['embeddings'], context: 5 });
    answerWith(provider, [vectors([1], [2])], 'stop');
    const list = await client.embeddings.create({
      model: 'm',
      input: [
        [1, 2, 3],
        [4, 5, 6, 7],
      ],
    });
    expect(list.usage.prompt_tokens).toBe(7);
    const long = client.embeddings.create({ model: 'm', input: [[1], [1, 2, 3, 4, 5]] });
    await expect(long).rejects.toMatchObject({ code: 'context_length_exceeded' });
  });

  it('is work like any other: who made vectors is not the next again', async () => {
    const provider = await market.provider({ features: ['embeddings'] });
    answerWith(provider, [vectors([1, 2])], 'stop');
    await client.embeddings.create({ model: 'm', input: 'word '.repeat(500) });
    const standing = market.providers.offersOf('m')[0]?.provider.standing;
    await until(() => (standing?.debtTokens(0) ?? 0) > 0);
    expect(standing?.debtTokens(0)).toBeGreaterThan(400);
    expect(standing?.answersOf('m').claimRatio).not.toBeNull();
  });

  it('goes on at another provider where vectors are missing, without a trace of the first', async () => {
    const broken = await market.provider({ features: ['embeddings'], price: 1 });
    broken.onRequest = async ({ requestId }) => {
      const good = await market.provider({ features: ['embeddings'], price: 2_000 });
      answerWith(good, [vectors([1], [2])], 'stop');
      const fields = vectors([9]);
      market.providers.delta(broken.actor, { requestId, index: 0, delta: { fields, text: '', bytes: 9 } });
      expect(() => market.result(broken, requestId)).toThrow('breaks the protocol');
      await until(() => good.requests.length > 0);
    };
    const list = await client.embeddings.create({ model: 'm', input: ['a', 'b'] }).catch(({ code }) => code);
    expect(list).toMatchObject({ data: [{ embedding: [1] }, { embedding: [2] }] });
  });
});

describe('values that ask for nothing', () => {
  it('are taken by every operation, and no provider hears of them', async () => {
    const provider = await market.provider({ features: ['chat', 'completions', 'embeddings'] });
    const ask = async (path: string, body: object) => {
      const headers = { 'content-type': 'application/json', authorization: 'Bearer ygu_alice' };
      const response = await fetch(`${world?.origin}${path}`, {
        method: 'POST',
        headers,
        body: JSON.stringify({ model: 'm', ...body }),
      });
      return [path, response.status, response.status === 200 ? null : await response.text()];
    };
    const hints = {
      service_tier: 'auto',
      safety_identifier: 'x',
      metadata: { a: 'b' },
      usage: { include: true },
    };
    answerWith(provider, [{ content: 'Hi' }], 'stop');
    const text = {
      prompt: 'a',
      stop: [],
      response_format: { type: 'text' },
      reasoning_effort: 'low',
      max_tokens: -1,
    };
    expect(await ask('/v1/completions', { ...hints, ...text })).toEqual(['/v1/completions', 200, null]);
    expect(bodyOf(provider)).toEqual({ model: 'm', prompt: 'a' });
    const response = {
      input: 'a',
      truncation: 'auto',
      max_tool_calls: 3,
      frequency_penalty: 0,
      n: 1,
      store: false,
    };
    expect(await ask('/v1/responses', response)).toEqual(['/v1/responses', 200, null]);
    const message = { max_tokens: 9, messages, context_management: { edits: [] }, speed: 'standard' };
    expect(await ask('/v1/messages', message)).toEqual(['/v1/messages', 200, null]);
    answerWith(provider, [vectors([1])], 'stop');
    expect(await ask('/v1/embeddings', { ...hints, input: 'a', n: 1 })).toEqual([
      '/v1/embeddings',
      200,
      null,
    ]);
    expect(bodyOf(provider)).toEqual({ model: 'm', input: 'a' });
  });
});
