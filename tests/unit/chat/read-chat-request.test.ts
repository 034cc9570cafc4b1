import { describe, expect, it } from 'vitest';
import { AppError } from '../../../server/kernel/errors.ts';
import { jsonShapeOf } from '../../../server/kernel/json-shape.ts';
import { definitionsText, providerBody } from '../../../server/transports/chat/chat-schema.ts';
import { readChatRequest } from '../../../server/transports/chat/read-chat-request.ts';

const encoder = new TextEncoder();

const read = (json: string) =>
  readChatRequest({ header: () => 'application/json', body: encoder.encode(json) } as never);

/** How a body is refused. */
function refusalOf(json: string): { code: string; message: string; param: unknown } {
  try {
    read(json);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return { code: error.code, message: error.publicMessage, param: error.details?.param };
  }
  throw new Error('it was not refused');
}

const list = (item: string, count: number) => `[${Array(count).fill(item).join(',')}]`;
const nested = (levels: number) => '['.repeat(levels) + ']'.repeat(levels);
const withField = (field: string) => `{"model":"m","messages":[{"role":"user","content":"hi"}],${field}}`;
const withMessage = (message: string) => `{"model":"m","messages":[${message}]}`;

describe('a chat request', () => {
  it.each([
    ['tools', withField(`"tools":[{"type":"function","x":${nested(100_000)}}]`)],
    ['a response format', withField(`"response_format":{"type":"json_schema","x":${nested(1_000_000)}}`)],
    ['a name', withField(`"tools":[{"type":"function","x":${'{"a":'.repeat(5_000)}1${'}'.repeat(5_000)}}]`)],
    ['nothing else', nested(4_000_000)],
  ])('whose depth would exhaust the stack is refused: %s', (_, json) => {
    expect(refusalOf(json)).toEqual({
      code: 'invalid_input',
      message: 'The body: objects and lists are nested deeper than 128 levels.',
      param: undefined,
    });
  });

  it('may be as deep as a tool is, and is written out again', () => {
    const chat = read(withField(`"tools":[{"type":"function","x":${nested(120)}}]`));
    expect(definitionsText(chat)).toContain(nested(120));
    expect(new TextDecoder().decode(providerBody(chat))).toContain(nested(120));
  });

  it.each([
    ['objects', withField(`"tools":[{"type":"function","x":${list('{}', 130_000)}}]`)],
    ['numbers', withField(`"tools":[{"type":"function","x":${list('0', 260_000)}}]`)],
    ['parts', withMessage(`{"role":"user","content":${list('{}', 130_000)}}`)],
    ['messages', `{"model":"m","messages":${list('{}', 130_000)}}`],
    ['tool calls', withMessage(`{"role":"assistant","tool_calls":${list('{}', 130_000)}}`)],
  ])('with more %s than any has is refused before they are made', (_, json) => {
    expect(refusalOf(json)).toMatchObject({
      code: 'invalid_input',
      message: expect.stringContaining('250000'),
    });
  });

  it.each([
    ['content', withMessage(`{"role":"user","content":${list('{"type":"text","text":"a"}', 1_001)}}`)],
    ['tool_calls', withMessage(`{"role":"assistant","tool_calls":${list('{}', 129)}}`)],
    ['tools', withField(`"tools":${list('{"type":"f"}', 129)}`)],
    ['stop', withField(`"stop":${list('"a"', 17)}`)],
    [
      'tool_choice',
      withField(`"tool_choice":{"type":"function","function":{"name":"${'f'.repeat(20_000)}"}}`),
    ],
  ])('with too many in %s is refused by name', (name, json) => {
    expect(refusalOf(json)).toMatchObject({ code: 'invalid_input', param: expect.stringContaining(name) });
  });

  it('with many pairs of metadata is refused, with few it is served', () => {
    const pairs = (count: number) =>
      withField(`"metadata":{${Array.from({ length: count }, (_, at) => `"k${at}":"v"`).join(',')}}`);
    expect(refusalOf(pairs(17)).param).toBe('metadata');
    expect(Object.keys(read(pairs(16)).metadata ?? {})).toHaveLength(16);
  });

  it.each([
    'logit_bias: {}',
    'top_logprobs: null',
    'logprobs: false',
    'service_tier: "auto"',
    'service_tier: "default"',
    'tools: null',
    'tools: []',
    'tool_choice: null',
    'functions: []',
    'function_call: "auto"',
    'parallel_tool_calls: null',
    'modalities: ["text"]',
    'audio: null',
    'prediction: null',
    'web_search_options: null',
    'store: false',
    'metadata: {}',
    'n: 1',
    'stop: null',
    'stop: []',
    'seed: null',
    'user: null',
    'prompt_cache_key: "conversation 7"',
    'safety_identifier: "x"',
    'stream_options: null',
    'stream_options: {"include_usage": null, "include_obfuscation": false}',
    'response_format: null',
    'something_new: null',
    'something_new: {}',
    'something_new: false',
    'something_new: ""',
    'something_new: {"edits": [], "of": null}',
    'max_tokens: -1',
    'max_completion_tokens: -1',
    'stop: ""',
    'modalities: []',
    'response_format: {}',
    'service_tier: ""',
    'tool_choice: ""',
    'reasoning_effort: ""',
    'route: ""',
    'usage: {"include": true}',
    'include_reasoning: true',
    'reasoning: {"exclude": false}',
    'session_id: "x"',
    'best_of: 1',
    'repeat_penalty: 1',
    'typical_p: 1.0',
    'mirostat: 0',
    'min_tokens: 0',
    'skip_special_tokens: true',
    'stream_options: {"continuous_usage_stats": false}',
    'provider: {"zdr": false, "quantizations": [], "allow_fallbacks": true}',
  ])('with %s asks for nothing: it is taken, and no provider hears of it', (field) => {
    const [name = '', value = ''] = field.split(/: (.*)/s);
    const chat = read(withField(`"${name}": ${value}`));
    expect(JSON.parse(new TextDecoder().decode(providerBody(chat)))).toEqual({
      model: 'm',
      messages: [{ role: 'user', content: 'hi' }],
    });
  });

  it.each([
    'enable_thinking',
    'think',
    'include_reasoning',
    'do_sample',
    'skip_special_tokens',
    'add_generation_prompt',
  ])('with %s: false asks for something: only who declares it is asked', (name) => {
    expect(read(withField(`"${name}": false`)).extra).toEqual({ [name]: false });
  });

  it.each([
    ['top_logprobs', '5'],
    ['service_tier', '"flex"'],
    ['modalities', '["text", "audio"]'],
    ['store', 'true'],
    ['something-new', '1'],
    ['extra', '{"logit_bias": {"1": 1}}'],
    ['n', '129'],
    ['max_tokens', '-2'],
    ['provider', '{"zdr": true}'],
    ['stream_options', '{"continuous_usage_stats": true}'],
  ])('with %s: %s asks for what is not served, and is refused by that name', (name, value) => {
    expect(refusalOf(withField(`"${name}": ${value}`))).toMatchObject({
      code: 'invalid_input',
      param: expect.stringContaining(name),
    });
  });

  it.each([
    ['{"effort": "high"}', 'high'],
    ['{"max_tokens": 2000}', 'low'],
    ['{"enabled": false}', 'none'],
    ['{"enabled": true}', 'medium'],
    ['{"enabled": true, "effort": "low"}', 'low'],
    ['{"exclude": false}', undefined],
  ])('takes how much is to be thought as OpenRouter has it: %s', (given, effort) => {
    expect(read(withField(`"reasoning": ${given}`)).reasoning_effort).toBe(effort);
  });

  it('takes functions of before tools as tools, what was called and what it gave, too', () => {
    const weather = { name: 'weather', parameters: { type: 'object' } };
    const called = { name: 'weather', arguments: '{}' };
    const { messages, tools, tool_choice, usesFunctions, ...rest } = read(
      JSON.stringify({
        model: 'm',
        functions: [weather],
        function_call: { name: 'weather' },
        messages: [
          { role: 'user', content: 'Warm?' },
          { role: 'assistant', content: null, function_call: called },
          { role: 'function', name: 'weather', content: '20 C' },
        ],
      }),
    );
    expect([tools, tool_choice]).toEqual([
      [{ type: 'function', function: weather }],
      { type: 'function', function: { name: 'weather' } },
    ]);
    expect(messages.slice(1)).toEqual([
      {
        role: 'assistant',
        content: null,
        tool_calls: [{ id: 'call_1', type: 'function', function: called }],
      },
      { role: 'tool', tool_call_id: 'call_1', name: 'weather', content: '20 C' },
    ]);
    expect([usesFunctions, rest]).toEqual([true, { model: 'm', parallel_tool_calls: false }]);
  });

  it('with functions beside tools, or of another form, is not read as one of before tools', () => {
    const tools = '"tools":[{"type":"function","function":{"name":"f"}}]';
    expect(refusalOf(withField(`${tools},"function_call":{"name":"f"}`)).param).toBe('function_call');
    expect(refusalOf(withField('"functions":[{"name":"f"}],"function_call":7')).param).toBe('function_call');
    for (const functions of ['["weather"]', '[null]', '[{}]', '[{"name":5}]', '[{"name":"f"},[]]']) {
      expect(read(withField(`"functions":${functions}`))).not.toHaveProperty('tools');
    }
    for (const [name, value] of Object.entries({ tools: '"x"', tool_choice: '5' })) {
      const fields = `"functions":[{"name":"f"}],"${name}":${value}`;
      expect(refusalOf(withField(fields)).param).toBe(name);
    }
    expect(read(withField('"functions":{}'))).not.toHaveProperty('usesFunctions');
    expect(refusalOf(withMessage('{"role":"function","name":"f"}')).param).toBe('messages.0.content');
  });

  it('leaves what OpenRouter has beyond that to those who declare it', () => {
    expect(read(withField('"reasoning": {"exclude": true}')).extra).toEqual({ reasoning: { exclude: true } });
  });

  it('takes what a tool gave where that is nothing, a call without its type, and an image as its address', () => {
    const call = '{"id":"c","function":{"name":"f","arguments":"{}"}}';
    const image = '{"role":"user","content":[{"type":"image_url","image_url":"https://example.com/a.png"}]}';
    const messages = `{"role":"assistant","tool_calls":[${call}]},{"role":"tool","tool_call_id":"c","content":null},{"role":"tool","tool_call_id":"c","content":[]},${image}`;
    expect(read(withMessage(messages)).messages).toMatchObject([
      { tool_calls: [{ id: 'c', type: 'function' }] },
      { role: 'tool', content: '' },
      { role: 'tool', content: '' },
      { content: [{ image_url: { url: 'https://example.com/a.png' } }] },
    ]);
  });

  it('takes an answer as history as clients send it back, without what they have added', () => {
    const answer = {
      role: 'assistant',
      content: null,
      refusal: null,
      annotations: [],
      audio: null,
      function_call: null,
      provider_specific_fields: { refusal: null },
      reasoning_content: 'Hm.',
      tool_calls: [],
    };
    const question = {
      role: 'user',
      name: null,
      content: [{ type: 'text', text: 'And?', cache_control: null }],
    };
    const { messages } = read(withMessage([answer, question].map((each) => JSON.stringify(each)).join()));
    expect(messages).toEqual([
      { role: 'assistant', content: null, reasoning_content: 'Hm.', tool_calls: [] },
      { role: 'user', content: [{ type: 'text', text: 'And?' }] },
    ]);
  });

  it('names the first message that is wrong, and looks at none behind it', () => {
    let looked = 0;
    const message = { role: 'user', content: 'hi', toJSON: undefined };
    const json = withMessage(
      [JSON.stringify(message), '{"role":"user","content":[0]}', '{"role":"pope"}'].join(),
    );
    const { parse } = JSON;
    JSON.parse = (text) => {
      const value = parse(text) as { messages: Record<string, unknown>[] };
      Object.defineProperty(value.messages[2], 'role', {
        enumerable: true,
        get() {
          looked++;
          return 'pope';
        },
      });
      return value;
    };
    try {
      expect(refusalOf(json).param).toBe('messages.1.content.0');
    } finally {
      JSON.parse = parse;
    }
    expect(looked).toBe(0);
  });

  it('with half a character is refused, wherever it stands', () => {
    const refusal = refusalOf(withMessage('{"role":"user","content":"\\ud800"}'));
    expect(refusal).toMatchObject({ code: 'invalid_input', param: 'messages.0.content' });
  });

  it('that names a prototype changes none', () => {
    expect(refusalOf(withField('"__proto__":{"x":1}')).code).toBe('invalid_input');
    read(withField('"tools":[{"type":"f","__proto__":{"polluted":1}}]'));
    expect('polluted' in {}).toBe(false);
  });
});

describe('the shape of a JSON text', () => {
  it.each([
    ['{}', { levels: 1, parts: 1, commas: 0 }],
    ['[[],[1,2]]', { levels: 2, parts: 3, commas: 2 }],
    ['{"a":{"b":[1]},"c":2}', { levels: 3, parts: 6, commas: 1 }],
    ['"[[[{:,\\"[[[\\\\"', { levels: 0, parts: 0, commas: 0 }],
    ['["\\\\",[]]', { levels: 2, parts: 2, commas: 1 }],
    ['"never ends', { levels: 0, parts: 0, commas: 0 }],
    ['"ends in a backslash\\', { levels: 0, parts: 0, commas: 0 }],
    [']]]][', { levels: 0, parts: 1, commas: 0 }],
  ])('%s', (json, shape) => {
    expect(jsonShapeOf(encoder.encode(json))).toEqual(shape);
  });
});
