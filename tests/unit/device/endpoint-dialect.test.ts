import { describe, expect, it } from 'vitest';
import { Dialect } from '../../../device/provider/dialect.ts';
import { Endpoint } from '../../../device/provider/endpoint.ts';
import { FakeClock } from '../../support/clock.ts';

describe('the dialect of a model', () => {
  const body = {
    model: 'm',
    max_tokens: 9,
    stream: true,
    reasoning_effort: 'low',
    messages: [{ role: 'developer', content: 'x' }],
  };
  const adapted = (refusal: string) => {
    const dialect = new Dialect();
    const next = dialect.suggest(refusal, body, new Set());
    return next === null ? null : dialect.adapt(body, new Set([next]));
  };

  it.each<[string, object]>([
    [
      '{"type":"extra_forbidden","loc":["body","max_tokens"],"msg":"Extra inputs"}',
      { max_completion_tokens: 9 },
    ],
    [
      "Unsupported parameter: 'max_tokens' is not supported. Use 'max_completion_tokens'.",
      { max_completion_tokens: 9 },
    ],
    [
      'messages[0].role: unknown variant `developer`, expected `system`',
      { messages: [{ role: 'system', content: 'x' }] },
    ],
    ['Streaming is not supported by this model', { max_tokens: 9 }],
  ])('is learned from: %s', (refusal, change) => {
    expect(adapted(refusal)).toMatchObject(change);
  });

  it('leaves out a hint that the model does not know, and only for this request', () => {
    const refusal = "Unsupported parameter: 'reasoning_effort' is not supported with this model.";
    expect(adapted(refusal)).not.toHaveProperty('reasoning_effort');
    const dialect = new Dialect();
    const next = dialect.suggest(refusal, body, new Set());
    dialect.learn(new Set(next === null ? [] : [next]));
    expect(dialect.adapt(body)).toEqual(body);
  });

  it.each([
    'max_tokens is too large: 300000. This model supports at most 4096 completion tokens',
    "'max_tokens' or 'max_completion_tokens' is too large: 300000.",
    "Unsupported value: 'reasoning_effort' does not support 'xhigh' with this model.",
    'the messages are wrong',
  ])('has nothing to do with a value that is refused: %s', (refusal) => {
    expect(adapted(refusal)).toBeNull();
  });

  it('is forgotten when the endpoint is another, and is of one model only', async () => {
    const asked: Record<string, unknown>[] = [];
    const refused = { error: { message: 'Unknown field: max_tokens' } };
    let knows = 'max_completion_tokens';
    const endpoint = new Endpoint(
      { baseUrl: 'http://endpoint/v1', apiKey: null },
      {
        clock: new FakeClock(),
        fetch: async (_, init) => {
          const given = JSON.parse(String(init?.body)) as Record<string, unknown>;
          asked.push(given);
          if (knows in given || given.model === 'other')
            return new Response(
              JSON.stringify({ choices: [{ message: { content: 'Hi' }, finish_reason: 'stop' }] }),
            );
          const other =
            knows === 'max_tokens' ? { error: { message: 'Unknown field: max_completion_tokens' } } : refused;
          return new Response(JSON.stringify(other), { status: 400 });
        },
      },
    );
    const ask = async (model: string) => {
      const limits = {
        firstTokenTimeoutMs: 1000,
        stallTimeoutMs: 1000,
        signal: new AbortController().signal,
      };
      const answer = endpoint.complete(
        { path: '/chat/completions', choices: 1 },
        { model, max_tokens: 9 },
        limits,
      );
      for await (const _ of answer);
      return asked.splice(0).map((given) => ('max_tokens' in given ? 'old' : 'new'));
    };
    expect(await ask('m')).toEqual(['old', 'new']);
    expect(await ask('m')).toEqual(['new']);
    expect(await ask('other')).toEqual(['old']);
    knows = 'max_tokens';
    expect(await ask('m')).toEqual(['new', 'old']);
    expect(await ask('m')).toEqual(['old']);
  });
});
