import { describe, expect, it } from 'vitest';
import { errorInAnswer, refusalOf } from '../../../device/provider/endpoint-error.ts';
import type { JsonValue } from '../../../device/provider/json.ts';
import { parseEmbeddings } from '../../../device/provider/vectors.ts';
import { turn } from '../../support/clock.ts';
import { DONE, deltas, faults, offering, request, results } from '../../support/provider-world.ts';

const event = (fields: unknown) => `data: ${JSON.stringify(fields)}\n\n`;
const chunk = (delta: object, finish: unknown = null) =>
  event({ choices: [{ index: 0, delta, finish_reason: finish }] });
/** Events as lines without a name. */
const lines = (...events: readonly string[]) =>
  events.map((text) => `${text.slice('data: '.length).trim()}\n`).join('');
const whole = (message: object, finish: unknown = 'stop') =>
  JSON.stringify({ choices: [{ index: 0, message, finish_reason: finish }] });
const ENDED = chunk({}, 'stop') + DONE;

/** What the server gets of an answer. */
async function answered(...parts: readonly string[]) {
  const world = await offering();
  await request(world, 1);
  for (const part of parts) world.scripted.write(part);
  world.scripted.end();
  await turn();
  return {
    said: deltas(world).map(([, fields]) => fields),
    reason: results(world)[0]?.finishReason,
    faults: faults(world),
    failure: results(world)[0]?.failure,
  };
}

describe('an endpoint with a habit of its own', () => {
  it.each<[string, string[]]>([
    ['empty data to keep alive', ['data:\n\n', 'data: \n\n', chunk({ content: 'Hi' }), ENDED]],
    ['a null', ['data: null\n\n', chunk({ content: 'Hi' }), ENDED]],
    ['pings with a text of their own', ['event: ping\ndata: ping\n\n', chunk({ content: 'Hi' }), ENDED]],
    ['lines of JSON', [lines(chunk({ content: 'Hi' }), chunk({}, 'stop')), '[DONE]\n']],
    [
      'lines of JSON, the first without a choice',
      [`{"choices":[]}\n${lines(chunk({ content: 'Hi' }), chunk({}, 'stop'))}`],
    ],
    [
      'lines of JSON, cut anywhere and without an end',
      [...lines(chunk({ content: 'Hi' }), chunk({}, 'stop')).trim()],
    ],
    ['lines of JSON after an empty one', [`\n${lines(chunk({ content: 'Hi' }), chunk({}, 'stop'))}`]],
    ['[DONE] with a space', [chunk({ content: 'Hi' }, 'stop'), 'data: [DONE] \n\n']],
    ['[DONE] in quotes', [chunk({ content: 'Hi' }, 'stop'), 'data: "[DONE]"\n\n']],
    ['no empty line between events', [(chunk({ content: 'Hi' }) + ENDED).replaceAll('\n\n', '\n')]],
    [
      'a message in a stream',
      [event({ choices: [{ message: { content: 'Hi' }, finish_reason: 'stop' }] }), DONE],
    ],
    [
      'the whole once more at the end',
      [
        chunk({ content: 'Hi' }),
        event({ choices: [{ delta: {}, message: { content: 'Hi' }, finish_reason: 'stop' }] }),
        DONE,
      ],
    ],
    ['a delta in a whole answer', [JSON.stringify({ choices: [{ delta: { content: 'Hi' } }] })]],
    ['an index that is text', [event({ choices: [{ index: '0', delta: { content: 'Hi' } }] }), ENDED]],
    ['an index from 1, whole', [JSON.stringify({ choices: [{ index: 1, message: { content: 'Hi' } }] })]],
    ['an error that is empty', [event({ choices: [{ delta: { content: 'Hi' } }], error: {} }), ENDED]],
    ['content that is one part', [chunk({ content: { type: 'text', text: 'Hi' } }), ENDED]],
    ["parts of OpenAI's newer kind", [whole({ content: [{ type: 'output_text', text: 'Hi' }] })]],
    ['text that is parts', [JSON.stringify({ choices: [{ text: [{ type: 'text', text: 'Hi' }] }] })]],
  ])('is understood: %s', async (_, parts) => {
    const { said, reason, faults: told } = await answered(...parts);
    expect(said).toEqual([{ content: 'Hi' }]);
    expect([reason, told]).toEqual(['stop', ['COMPUTE_FAULT_UNSPECIFIED']]);
  });

  it('may send lines of JSON that are cut inside a character', async () => {
    const bytes = new TextEncoder().encode(lines(chunk({ content: 'H' }), chunk({ content: 'ï€' }), ENDED));
    const first = bytes.findIndex((byte) => byte > 0x7f);
    for (let cut = first - 1; cut < first + 6; cut++) {
      const world = await offering();
      await request(world, 1);
      world.scripted.writeBytes(bytes.slice(0, cut));
      world.scripted.writeBytes(bytes.slice(cut));
      world.scripted.end();
      await turn();
      const said = deltas(world).map(([, { content }]) => content);
      expect(said.join('')).toBe('Hï€');
    }
  });

  it.each<[string, object, object]>([
    ['in parts', { reasoning_content: [{ type: 'text', text: 'hm' }] }, { reasoning_content: 'hm' }],
    ['under another name', { thinking: 'hm' }, { reasoning_content: 'hm' }],
    [
      'in details alone',
      { reasoning_details: [{ type: 'reasoning.text', text: 'hm' }] },
      { reasoning_content: 'hm', reasoning_details: [{ type: 'reasoning.text', text: 'hm' }] },
    ],
    [
      'in parts, beside an empty field for it',
      { content: [{ type: 'thinking', thinking: 'hm' }], reasoning_content: null },
      { reasoning_content: 'hm' },
    ],
    [
      'under another name, beside an empty field for it',
      { thinking: 'hm', reasoning_content: '' },
      { reasoning_content: 'hm' },
    ],
    ['by the newer name', { reasoning: 'hm' }, { reasoning: 'hm' }],
    ['as a refusal in parts', { refusal: [{ type: 'refusal', refusal: 'no' }] }, { refusal: 'no' }],
    ['as a number', { content: 42 }, { content: '42' }],
  ])('is delivered as text what was thought or said %s', async (_, delta, text) => {
    expect((await answered(chunk(delta), ENDED)).said).toEqual([text]);
  });

  it('has its calls of tools whole: as objects, without ids, without indexes, and by their older name', async () => {
    const called = (name: string) => ({ function: { name, arguments: { a: 1 } } });
    const { said } = await answered(whole({ tool_calls: [called('f'), called('g')] }));
    const calls = (said[0] as { tool_calls: { id: string; index: number; function: object }[] }).tool_calls;
    expect(calls.map(({ index, function: made }) => [index, made])).toEqual([
      [0, { name: 'f', arguments: '{"a":1}' }],
      [1, { name: 'g', arguments: '{"a":1}' }],
    ]);
    expect(new Set(calls.map(({ id }) => id)).size).toBe(2);
    expect(calls.every(({ id }) => id.startsWith('call_'))).toBe(true);
    const older = await answered(
      chunk({ function_call: { name: 'f', arguments: '{}' } }, 'function_call'),
      DONE,
    );
    expect(older.reason).toBe('tool_calls');
    expect(older.said).toMatchObject([
      { tool_calls: [{ index: 0, function: { name: 'f', arguments: '{}' } }] },
    ]);
    const one = await answered(chunk({ tool_calls: called('f') }), ENDED);
    expect(one.said).toMatchObject([{ tool_calls: [{ function: { arguments: '{"a":1}' } }] }]);
  });

  it('says of a call once what clients join: its id and its name', async () => {
    const piece = (id: string | null, name: string | null, given: string | null) =>
      chunk({ tool_calls: [{ index: '0', id, type: 'function', function: { name, arguments: given } }] });
    const { said } = await answered(
      piece('c', 'f', '{"a":'),
      piece('c', 'f', '1'),
      piece(null, null, '}'),
      ENDED,
    );
    expect(said).toEqual([
      { tool_calls: [{ index: 0, id: 'c', type: 'function', function: { name: 'f', arguments: '{"a":' } }] },
      { tool_calls: [{ index: 0, function: { arguments: '1' } }] },
      { tool_calls: [{ index: 0, function: { arguments: '}' } }] },
    ]);
  });

  it('tells calls of tools apart that have one index, by their ids and names', async () => {
    const call = (index: number, id: string, name: string | null, given: string) => ({
      index,
      id,
      function: { name, arguments: given },
    });
    const { said } = await answered(
      chunk({ tool_calls: [call(0, 'a', 'f', '{"x":1}'), call(0, 'b', 'f', '{"y":')] }),
      // It goes on with the second, and an id that is new each time, without a name, begins no call.
      chunk({ tool_calls: [call(0, 'b', 'f', '2')] }),
      chunk({ tool_calls: [call(0, 'c', null, '}')] }),
      chunk({ tool_calls: [call(-1, 'd', 'g', '{}')] }),
      ENDED,
    );
    const calls = said.flatMap((fields) => (fields as { tool_calls: { index: number }[] }).tool_calls);
    expect(calls).toMatchObject([
      { index: 0, id: 'a', function: { name: 'f', arguments: '{"x":1}' } },
      { index: 1, id: 'b', function: { name: 'f', arguments: '{"y":' } },
      { index: 1, function: { arguments: '2' } },
      { index: 1, function: { arguments: '}' } },
      { index: 2, id: 'd', function: { name: 'g', arguments: '{}' } },
    ]);
  });

  it.each([
    ['STOP', 'stop'],
    ['eos', 'stop'],
    ['end_turn', 'stop'],
    ['MAX_TOKENS', 'length'],
    ['SAFETY', 'content_filter'],
    ['tool_use', 'tool_calls'],
    ['something_new', 'something_new'],
  ])('ends for the reason %s, which is told as %s', async (given, told) => {
    expect((await answered(chunk({ content: 'Hi' }, given), DONE)).reason).toBe(told);
  });

  it.each([
    ['error', chunk({}, 'error')],
    ['abort', chunk({}, 'abort')],
    ['CANCELLED', chunk({}, 'CANCELLED')],
    ['insufficient_system_resource', chunk({}, 'insufficient_system_resource')],
    ['error, whole', whole({ content: 'Hi' }, 'error')],
    [
      'an error beside the choice',
      event({ choices: [{ delta: {}, error: { code: 502, message: 'gone' } }] }),
    ],
    ['an event that is called so', 'event: error\ndata: {"message":"broke","code":500}\n\n'],
    ["llama.cpp's line", 'error: {"code":500,"message":"broke"}\n\n'],
  ])('gives its answer up, and is not billed for a whole one: %s', async (_, last) => {
    const isWhole = last.startsWith('{');
    const { faults: told } = await answered(
      ...(isWhole ? [] : [chunk({ content: 'Hi' })]),
      last,
      ...(isWhole ? [] : [DONE]),
    );
    expect(told).toEqual(['FAULT_OF_PROVIDER']);
  });

  it('that answers only what nobody asked for has given no answer', async () => {
    const other = event({ choices: [{ index: 1, delta: { content: 'Hi' }, finish_reason: 'stop' }] });
    expect((await answered(other, DONE)).faults).toEqual(['ANSWER_MALFORMED']);
  });

  it.each<[string, unknown[]]>([
    ['by no index', [{ embedding: [1] }, { embedding: [2] }]],
    [
      'all by the same index',
      [
        { index: 0, embedding: [1] },
        { index: 0, embedding: [2] },
      ],
    ],
    [
      'by indexes from 1',
      [
        { index: 1, embedding: [1] },
        { index: 2, embedding: [2] },
      ],
    ],
    [
      'by indexes in text, in another order',
      [
        { index: '1', embedding: [2] },
        { index: '0', embedding: [1] },
      ],
    ],
    [
      'each in a list of its own',
      [
        { index: 0, embedding: [[1]] },
        { index: 1, embedding: [[2]] },
      ],
    ],
    ['as lists alone', [[1], [2]]],
  ])('gives vectors %s', (_, data) => {
    const vectors = parseEmbeddings(JSON.stringify({ data })).flatMap(
      ({ fields }) => fields.embeddings ?? [],
    );
    const floats = (number: number) => Buffer.from(Float32Array.of(number).buffer).toString('base64');
    expect(vectors).toEqual(
      expect.arrayContaining([
        { index: 0, embedding: floats(1) },
        { index: 1, embedding: floats(2) },
      ]),
    );
  });
});

describe('whose fault an error is', () => {
  it.each<[string, number, JsonValue, string, string]>([
    ['Google, in a list', 400, [{ error: { code: 400, message: 'bad' } }], 'requester', 'bad'],
    [
      'Google, a wrong key',
      400,
      [{ error: { message: 'API key not valid.' } }],
      'provider',
      'API key not valid.',
    ],
    [
      "the requester's own words about keys",
      400,
      { error: { message: "Unexpected value 'api key'" } },
      'requester',
      "Unexpected value 'api key'",
    ],
    ['Cohere', 400, { errors: [{ message: 'bad' }] }, 'requester', 'bad'],
    ['one that wraps another', 400, { error: { error: { message: 'bad' } } }, 'requester', 'bad'],
    ['Mistral', 422, { object: 'error', message: { detail: [{ msg: 'bad' }] } }, 'requester', 'bad'],
    [
      'a request that is wrong, as 500',
      500,
      { error: { type: 'invalid_request_error', message: 'bad' } },
      'requester',
      'bad',
    ],
    [
      'a prompt that is too long, as 500',
      500,
      { error: { code: 'context_length_exceeded', message: 'long' } },
      'requester',
      'long',
    ],
    [
      'moderation',
      403,
      { error: { message: 'flagged', metadata: { reasons: ['x'] } } },
      'requester',
      'flagged',
    ],
    ['a key that may not', 403, { error: { message: 'no' } }, 'provider', 'no'],
    [
      'Anthropic, overloaded',
      529,
      { error: { type: 'overloaded_error', message: 'later' } },
      'busy',
      'later',
    ],
    [
      'a model that can not do it, as 404',
      404,
      { error: { message: 'No endpoints found that support tool use.', code: 404 } },
      'requester',
      'tool use',
    ],
    [
      'a model that does not do it, as 404',
      404,
      { error: { message: '"smollm2" does not support tools' } },
      'requester',
      'tools',
    ],
    ['no such model', 404, { error: { message: 'No endpoints found for m.' } }, 'model_unknown', 'for m.'],
    [
      'a model that is not served',
      404,
      { error: { message: 'We do not support the model m' } },
      'model_unknown',
      'm',
    ],
    ['no credit left', 402, { error: { message: 'pay' } }, 'provider', 'pay'],
    ['a limit as 400', 400, { error: { type: 'rate_limit_error', message: 'slow' } }, 'busy', 'slow'],
  ])('%s', (_, status, body, fault, reason) => {
    const refusal = refusalOf(status, JSON.stringify(body));
    expect(refusal).toMatchObject({ fault, status });
    expect(refusal.message).toContain(reason);
    const isElsewhere = fault === 'model_unknown';
    expect(refusal.isDenial).toBe(isElsewhere || (fault === 'provider' && status === 403));
  });

  it.each<[JsonValue, string, number | null]>([
    [{ message: 'bad effort', code: 400, param: 'reasoning_effort' }, 'requester', 400],
    [{ message: 'bad', type: 'BadRequestError' }, 'requester', 400],
    [{ message: 'slow down', code: 429 }, 'busy', 429],
    [{ message: 'Loading model', code: 503 }, 'busy', 503],
    [{ message: 'no such model', code: 'model_not_found' }, 'model_unknown', null],
    [{ message: 'broke', code: 500 }, 'provider', 500],
    ['no', 'provider', null],
  ])('in an answer of status 200: %j', (error, fault, status) => {
    expect(errorInAnswer(error)).toMatchObject({ fault, status });
  });

  it('in the middle of an answer is told to the requester, with the field', async () => {
    const { failure } = await answered(
      event({ error: { message: 'bad effort', code: 400, param: 'effort' } }),
    );
    expect(failure).toMatchObject({ status: 400, reason: 'bad effort', param: 'effort' });
  });
});
