import type { OpenAiCase } from './openai-cases.ts';

const messages = [{ role: 'user', content: 'Hello' }];

/** By operation, as those of the OpenAI endpoint. A route that is missing here fails the architecture test. */
export const ANTHROPIC_CASES: Readonly<Record<string, OpenAiCase>> = {
  'anthropic.messages.create': {
    method: 'POST',
    valid: { path: '/v1/messages', body: { model: 'none', messages, max_tokens: 16 } },
    refused: { path: '/v1/messages', body: { model: 'none', messages, max_tokens: 16 } },
    status: 404,
    code: 'model_not_found',
  },
  'anthropic.messages.countTokens': {
    method: 'POST',
    valid: { path: '/v1/messages/count_tokens', body: { model: 'none', messages } },
    refused: { path: '/v1/messages/count_tokens', body: { model: 'none' } },
    status: 400,
    code: 'invalid_input',
  },
};
