import { describe, expect, it } from 'vitest';
import {
  ComputeApi,
  ComputeBody,
  ComputeCancel,
  ComputeCredit,
  decodePayload,
  encodePayload,
  RatatoskrType,
  uuidToBytes,
} from '../../../proto/index.ts';
import { turn } from '../../support/clock.ts';
import { uuid } from '../../support/frames.ts';
import {
  DONE,
  delta,
  deltas,
  faults,
  offering,
  request,
  results,
  signsOfLife,
  type World,
} from '../../support/provider-world.ts';

const event = (fields: object) => `data: ${JSON.stringify(fields)}\n\n`;
const chunk = (fields: object, finish: string | null = null) =>
  event({ choices: [{ index: 0, delta: fields, finish_reason: finish }] });

/** A provider whose offer was taken: no timer of its own is left. */
async function offered(slots = 2): Promise<World> {
  const world = await offering(slots);
  const { connection } = world.server;
  connection.acknowledge(connection.last(RatatoskrType.PROVIDER_REGISTRATION));
  await turn();
  return world;
}

/** A request that is answered with this. */
async function answered(...parts: readonly string[]): Promise<World> {
  const world = await offering();
  await request(world, 1);
  for (const part of parts) world.scripted.write(part);
  world.scripted.end();
  await turn();
  return world;
}

/** A request for another of the endpoint's operations, answered with this. */
async function asked(api: number, body: object, answer: string): Promise<World> {
  const world = await offered();
  await request(world, 1, {
    api,
    body: new TextEncoder().encode(JSON.stringify({ model: 'public', ...body })),
  });
  world.scripted.write(answer);
  world.scripted.end();
  await turn();
  return world;
}
const said = (world: World) => deltas(world).map(([, fields]) => fields);
const choice = (index: number, fields: object) => event({ choices: [{ index, ...fields }] });

describe('several answers', () => {
  it('come each by itself, whole in their characters, until the last has ended', async () => {
    const world = await asked(
      ComputeApi.API_CHAT,
      { messages: [], n: 2 },
      choice(0, { delta: { content: 'a\ud83d' }, finish_reason: null, logprobs: { content: [] } }) +
        choice(1, { delta: { content: 'b' } }) +
        choice(0, { delta: { content: '\ude00' }, finish_reason: 'stop' }) +
        choice(2, { delta: { content: 'nobody asked' } }) +
        choice(1, { delta: { content: 'c' }, finish_reason: 'length' }) +
        DONE,
    );
    expect(said(world)).toEqual([
      { content: 'a', logprobs: { content: [] } },
      { choices: [{ index: 1, delta: { content: 'b' } }] },
      { content: '\u{1f600}' },
      { choices: [{ index: 1, delta: { content: 'c' }, finish_reason: 'length' }] },
    ]);
    expect(results(world)[0]?.finishReason).toBe('stop');
  });

  it('of text are its content, from the path that it is asked at', async () => {
    const answer = choice(0, { text: ' upon', finish_reason: 'stop', logprobs: null });
    const world = await asked(ComputeApi.API_COMPLETIONS, { prompt: ['Once'] }, answer + DONE);
    expect(said(world)).toEqual([{ content: ' upon' }]);
    expect(world.scripted.paths).toEqual(['/v1/completions']);
  });

  it('may be vectors, as numbers or in base64, which the server gets as one form', async () => {
    const floats = (value: number) => Buffer.from(new Float32Array([value]).buffer).toString('base64');
    const data = [{ embedding: [1.5] }, { index: 1, embedding: floats(-2) }];
    const body = JSON.stringify({ data, usage: { prompt_tokens: 7, total_tokens: 7 } });
    const world = await asked(ComputeApi.API_EMBEDDINGS, { input: ['a', 'b'] }, body);
    expect(said(world)).toEqual(
      [1.5, -2].map((value, index) => ({ embeddings: [{ index, embedding: floats(value) }] })),
    );
    expect(results(world)[0]).toMatchObject({ finishReason: 'stop', usage: { promptTokens: 7 } });
    expect(world.scripted.bodies[0]).toMatchObject({ model: 'internal', encoding_format: 'base64' });
  });

  it.each([
    '{"data":[{"embedding":"no floats"}]}',
    '{"data":[{"embedding":["1"]}]}',
    '{"object":"list"}',
    '[',
  ])('that are no vectors are malformed: %s', async (body) => {
    const world = await asked(ComputeApi.API_EMBEDDINGS, { input: 'a' }, body);
    expect(faults(world)).toEqual(['ANSWER_MALFORMED']);
  });
});

describe('an answer', () => {
  it('keeps reasoning, tool calls, refusals and what nobody has heard of yet', async () => {
    const call = { index: 0, id: 'c', type: 'function', function: { name: 'look', arguments: '' } };
    const world = await answered(
      chunk({ role: 'assistant', content: '', refusal: null }),
      chunk({ reasoning_content: 'hm' }),
      chunk({ tool_calls: [call] }),
      chunk({ refusal: 'no' }),
      chunk({ future: { of: ['answers'] }, annotations: [] }),
      chunk({}, 'tool_calls'),
      DONE,
    );
    expect(deltas(world).map(([, fields]) => fields)).toEqual([
      { reasoning_content: 'hm' },
      { tool_calls: [call] },
      { refusal: 'no' },
      { future: { of: ['answers'] } },
    ]);
    expect(results(world)[0]?.finishReason).toBe('tool_calls');
  });

  it('in parts is given as text, its thinking as reasoning', async () => {
    const content = [
      { type: 'thinking', thinking: [{ type: 'text', text: 'hm, ' }] },
      { type: 'text', text: 'Hel' },
      { type: 'text', text: 'lo' },
    ];
    const world = await answered(chunk({ content }, 'stop'), DONE);
    expect(deltas(world)).toEqual([[0, { reasoning_content: 'hm, ', content: 'Hello' }]]);
  });

  it('whose tool calls have no index gets one for each call', async () => {
    const call = (id: string) => ({ id, type: 'function', function: { name: id, arguments: '{}' } });
    const world = await answered(
      chunk({ tool_calls: [call('a')] }),
      chunk({ tool_calls: [call('b')] }, 'tool_calls'),
      DONE,
    );
    expect(deltas(world).map(([, { tool_calls }]) => tool_calls[0].index)).toEqual([0, 1]);
  });

  it('whose budget went into thinking is an answer', async () => {
    const world = await answered(chunk({ content: '' }, 'length'), event({ choices: [], usage: null }), DONE);
    expect(deltas(world)).toEqual([]);
    expect(results(world)).toMatchObject([{ finishReason: 'length' }]);
    expect(faults(world)).toEqual(['COMPUTE_FAULT_UNSPECIFIED']);
  });

  it.each([
    ['lacks a field', { prompt_tokens: 9 }, null],
    ['is null', null, null],
    ['is nonsense', { prompt_tokens: -1, completion_tokens: 'two' }, null],
    [
      'has null details',
      { prompt_tokens: 9, completion_tokens: 2, prompt_tokens_details: null },
      { promptTokens: 9, cachedPromptTokens: 0, completionTokens: 2 },
    ],
    [
      'has details',
      {
        prompt_tokens: 9,
        completion_tokens: 2,
        prompt_tokens_details: { cached_tokens: 12 },
        completion_tokens_details: { reasoning_tokens: 1 },
      },
      { promptTokens: 9, cachedPromptTokens: 9, completionTokens: 2, reasoningTokens: 1 },
    ],
  ])('is an answer where its usage %s', async (_, usage, told) => {
    const world = await answered(chunk({ content: 'Hi' }, 'stop'), event({ choices: [], usage }), DONE);
    expect(results(world)[0]?.finishReason).toBe('stop');
    if (told === null) expect(results(world)[0]?.usage ?? null).toBeNull();
    else expect(results(world)[0]?.usage).toMatchObject(told);
  });

  it.each([
    ['none', null],
    ['an empty one', ''],
    ['"null"', 'null'],
  ])('that is cut, its reason %s, is a failure; followed by [DONE] it is whole', async (_, reason) => {
    const cut = await answered(chunk({ content: 'Hel' }, reason));
    expect(faults(cut)).toEqual(['FAULT_OF_PROVIDER']);
    const whole = await answered(chunk({ content: 'Hello' }, reason), DONE);
    expect(results(whole)).toMatchObject([{ finishReason: 'stop' }]);
  });

  it('without anything in it is a failure', async () => {
    expect(faults(await answered(DONE))).toEqual(['ANSWER_MALFORMED']);
  });

  it('puts a character together that came in halves, and replaces a half that stays one', async () => {
    const world = await answered(chunk({ content: 'a\ud83d' }), chunk({ content: '\ude00\ud83d' }, 'stop'));
    expect(deltas(world).map(([, { content }]) => content)).toEqual(['a', '😀', '\uFFFD']);
  });

  it('is sent in pieces that fit a frame', async () => {
    const text = '😀"'.repeat(40_000);
    const world = await answered(chunk({ content: text }, 'stop'), DONE);
    const pieces = deltas(world).map(([, { content }]) => content as string);
    expect(pieces.length).toBeGreaterThan(2);
    expect(pieces.join('')).toBe(text);
  });
});

describe('an endpoint that takes its time', () => {
  it('has the time that the server gives for a first token, and shows meanwhile that it is alive', async () => {
    const world = await offered();
    await request(world, 1, { firstTokenTimeoutMs: 120_000, stallTimeoutMs: 15_000 });
    for (let seconds = 0; seconds < 100; seconds += 5) world.clock.advance(5_000);
    expect(signsOfLife(world)).toHaveLength(20);
    world.scripted.write(delta('late', 'stop') + DONE);
    await turn();
    expect(results(world)).toMatchObject([{ finishReason: 'stop' }]);
    expect(world.clock.pending).toBe(0);
  });

  it('is given up after that time', async () => {
    const world = await offered();
    await request(world, 1, { firstTokenTimeoutMs: 12_000 });
    world.clock.advance(12_000);
    await turn();
    expect(signsOfLife(world)).toHaveLength(2);
    expect(faults(world)).toEqual(['ENDPOINT_STALLED']);
    expect(world.clock.pending).toBe(0);
  });

  it('is alive with every comment and every piece, also with those that say nothing', async () => {
    const world = await offered();
    await request(world, 1, { firstTokenTimeoutMs: 12_000, stallTimeoutMs: 6_000 });
    world.scripted.write(delta('begin'));
    await turn();
    for (const sign of [': ping\n\n', chunk({ content: '' }), ': ping\n\n']) {
      world.clock.advance(5_500);
      world.scripted.write(sign);
      await turn();
    }
    expect(signsOfLife(world)).toHaveLength(3);
    world.scripted.write(delta('end', 'stop') + DONE);
    await turn();
    expect(results(world)).toMatchObject([{ finishReason: 'stop' }]);
  });
});

describe('an endpoint of another dialect', () => {
  const refuse = async (world: World, message: string, index: number) => {
    world.scripted.write(JSON.stringify({ error: { message } }), index);
    world.scripted.end(index);
    await turn();
  };

  it('that only knows the newer name of the limit is asked again by that name, and from then on', async () => {
    const world = await offered();
    world.scripted.status = 400;
    await request(world, 1);
    world.scripted.status = 200;
    await refuse(world, "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.", 0);
    expect(world.scripted.bodies[1]).toMatchObject({ max_completion_tokens: 50 });
    expect(world.scripted.bodies[1]).not.toHaveProperty('max_tokens');
    world.scripted.write(delta('done', 'stop') + DONE, 1);
    await turn();
    await request(world, 2);
    expect(world.scripted.bodies).toHaveLength(3);
    expect(world.scripted.bodies[2]).toMatchObject({ max_completion_tokens: 50 });
  });

  it('that refuses the limit itself says so to its requester, and is not asked without one', async () => {
    const world = await offered();
    world.scripted.status = 400;
    await request(world, 1);
    await refuse(world, 'max_tokens is too large', 0);
    expect(results(world)[0]?.failure).toMatchObject({ status: 400, reason: 'max_tokens is too large' });
    world.scripted.status = 200;
    await request(world, 2);
    expect(world.scripted.bodies[1]).toMatchObject({ max_tokens: 50 });
  });
});

describe('a large request', () => {
  it('is put together from its pieces, each confirmed', async () => {
    const world = await offered();
    const text = JSON.stringify({ messages: [{ role: 'user', content: '😀'.repeat(1_000) }] });
    const body = new TextEncoder().encode(text);
    await request(world, 1, { body: body.subarray(0, 1_001), bodyBytes: body.length });
    const requestId = uuidToBytes(uuid(1));
    for (const data of [body.subarray(1_001, 1_002), body.subarray(1_002)]) {
      expect(world.scripted.bodies).toEqual([]);
      world.server.connection.push(
        RatatoskrType.COMPUTE_BODY,
        encodePayload(ComputeBody, { requestId, data }),
      );
      await turn();
    }
    expect(world.scripted.bodies[0]).toMatchObject(JSON.parse(text));
    const confirmed = world.server.connection
      .all(RatatoskrType.COMPUTE_CREDIT)
      .map(({ payload }) => decodePayload(ComputeCredit, payload).bytes);
    expect(confirmed).toEqual([1, body.length - 1_002]);
  });

  it('that is cancelled before it is whole is over, and what still comes is confirmed', async () => {
    const world = await offered(1);
    await request(world, 1, { bodyBytes: 10_000 });
    const requestId = uuidToBytes(uuid(1));
    const { connection } = world.server;
    connection.push(RatatoskrType.COMPUTE_CANCEL, encodePayload(ComputeCancel, { requestId }));
    await turn();
    connection.push(
      RatatoskrType.COMPUTE_BODY,
      encodePayload(ComputeBody, { requestId, data: new Uint8Array(7) }),
    );
    await turn();
    expect(connection.all(RatatoskrType.COMPUTE_CREDIT)).toHaveLength(1);
    expect(world.clock.pending).toBe(0);
    await request(world, 2);
    expect(world.scripted.bodies).toHaveLength(1);
  });
});

describe('a reader that is slow', () => {
  it('holds the provider up at its credit, and the endpoint is not read on', async () => {
    const world = await offered();
    await request(world, 1, { creditBytes: 300 });
    world.scripted.write(delta('one'));
    await turn();
    world.scripted.write(delta('two'));
    await turn();
    world.scripted.write(delta('three', 'stop') + DONE);
    await turn();
    expect(deltas(world)).toHaveLength(2);
    world.clock.advance(600_000);
    await turn();
    expect(deltas(world)).toHaveLength(2);
    expect(results(world)).toEqual([]);
    const payload = encodePayload(ComputeCredit, { requestId: uuidToBytes(uuid(1)), bytes: 150 });
    world.server.connection.push(RatatoskrType.COMPUTE_CREDIT, payload);
    await turn();
    expect(deltas(world).map(([, { content }]) => content)).toEqual(['one', 'two', 'three']);
    expect(results(world)).toMatchObject([{ finishReason: 'stop' }]);
  });
});
