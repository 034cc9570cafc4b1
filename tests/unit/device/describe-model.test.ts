import { describe, expect, it } from 'vitest';
import { describeModel } from '../../../device/provider/describe-model.ts';
import { Endpoint } from '../../../device/provider/endpoint.ts';
import { FEATURES } from '../../../device/provider/features.ts';
import type { JsonValue } from '../../../device/provider/json.ts';
import { FEATURES as SERVER_FEATURES } from '../../../server/domains/providers/index.ts';
import { FakeClock } from '../../support/clock.ts';

/** What is found at an endpoint that says this, by path. */
const found = (answers: Record<string, JsonValue>) =>
  describeModel('m', async (path) => answers[path] ?? null);
const list = (entry: Record<string, JsonValue>) => ({
  '/models': { data: [{ id: 'other' }, { id: 'm', ...entry }] },
});
const USUAL = ['chat', 'tools', 'structured_output', 'reasoning'];

describe('what an endpoint says of a model', () => {
  it.each<[string, Record<string, JsonValue>, string[], number | null]>([
    ['nothing', {}, USUAL, null],
    ['no JSON as it should be', { '/models': { data: { m: 1 } } }, USUAL, null],
    [
      'Ollama',
      {
        ...list({ owned_by: 'library' }),
        '//api/show': {
          capabilities: ['completion', 'tools', 'vision'],
          model_info: { 'x.context_length': 1 },
        },
      },
      ['chat', 'tools', 'structured_output', 'images', 'completions'],
      null,
    ],
    [
      'Ollama, of a model for vectors',
      { ...list({ owned_by: 'library' }), '//api/show': { capabilities: ['embedding'] } },
      ['embeddings'],
      null,
    ],
    [
      'llama.cpp',
      {
        ...list({ owned_by: 'llamacpp' }),
        '//props': {
          default_generation_settings: { n_ctx: 4_096 },
          modalities: { vision: true, audio: false },
        },
      },
      [...USUAL, 'images', 'logprobs', 'completions'],
      4_096,
    ],
    [
      'vLLM',
      list({ owned_by: 'vllm', max_model_len: 32_768 }),
      [...USUAL, 'logprobs', 'n', 'completions'],
      32_768,
    ],
    [
      'OpenRouter',
      list({
        context_length: 128_000,
        supported_parameters: ['tools', 'response_format', 'seed'],
        architecture: { input_modalities: ['text', 'image'] },
      }),
      ['chat', 'tools', 'structured_output', 'images'],
      128_000,
    ],
    [
      'another server like this one',
      list({ context_tokens_max: 512, features: ['chat', 'unheard_of'] }),
      ['chat'],
      512,
    ],
  ])('is taken: %s', async (_, answers, features, contextTokens) => {
    expect(await found(answers)).toEqual({ features, contextTokens });
  });

  it('is named as the server names it', () => {
    expect(FEATURES).toEqual(SERVER_FEATURES);
  });

  it('is looked for behind its address, and behind its host', async () => {
    const asked: string[] = [];
    const fetched: typeof fetch = async (url) => {
      asked.push(String(url));
      return Response.json({});
    };
    const dependencies = { fetch: fetched, clock: new FakeClock() };
    const endpoint = new Endpoint({ baseUrl: 'http://h/prefix/v1?key=1', apiKey: null }, dependencies);
    for (const path of ['/models', '//props'])
      await endpoint.look(path, undefined, new AbortController().signal);
    expect(asked).toEqual(['http://h/prefix/v1/models?key=1', 'http://h/prefix/props?key=1']);
  });
});
