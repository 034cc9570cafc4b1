/** What every route of the OpenAI endpoint must show, beside working. */
export interface OpenAiCase {
  readonly method: string;
  /** A request that is fine but for who asks. */
  readonly valid: { readonly path: string; readonly body?: unknown };
  /** A request of a user that is refused. */
  readonly refused: { readonly method?: string; readonly path: string; readonly body?: unknown };
  readonly status: number;
  readonly code: string;
}

const messages = [{ role: 'user', content: 'Hello' }];

/** By operation. A route that is missing here fails the architecture test. */
export const OPENAI_CASES: Readonly<Record<string, OpenAiCase>> = {
  'openai.chatCompletions.create': {
    method: 'POST',
    valid: { path: '/v1/chat/completions', body: { model: 'none', messages } },
    refused: { path: '/v1/chat/completions', body: { model: 'none', messages } },
    status: 404,
    code: 'model_not_found',
  },
  'openai.responses.create': {
    method: 'POST',
    valid: { path: '/v1/responses', body: { model: 'none', input: 'Hello' } },
    refused: { path: '/v1/responses', body: { model: 'none', input: 'Hello' } },
    status: 404,
    code: 'model_not_found',
  },
  'openai.completions.create': {
    method: 'POST',
    valid: { path: '/v1/completions', body: { model: 'none', prompt: 'Hello' } },
    refused: { path: '/v1/completions', body: { model: 'none', prompt: 'Hello' } },
    status: 404,
    code: 'model_not_found',
  },
  'openai.embeddings.create': {
    method: 'POST',
    valid: { path: '/v1/embeddings', body: { model: 'none', input: 'Hello' } },
    refused: { path: '/v1/embeddings', body: { model: 'none', input: 'Hello' } },
    status: 404,
    code: 'model_not_found',
  },
  'openai.responses.get': {
    method: 'GET',
    valid: { path: '/v1/responses/resp_none' },
    refused: { path: '/v1/responses/resp_none' },
    status: 404,
    code: 'response_not_found',
  },
  'openai.responses.inputItems': {
    method: 'GET',
    valid: { path: '/v1/responses/resp_none/input_items' },
    refused: { path: '/v1/responses/resp_none/input_items' },
    status: 404,
    code: 'response_not_found',
  },
  'openai.responses.cancel': {
    method: 'POST',
    valid: { path: '/v1/responses/resp_none/cancel' },
    refused: { path: '/v1/responses/resp_none/cancel' },
    status: 404,
    code: 'response_not_found',
  },
  'openai.responses.remove': {
    method: 'DELETE',
    valid: { path: '/v1/responses/resp_none' },
    refused: { path: '/v1/responses/resp_none' },
    status: 404,
    code: 'response_not_found',
  },
  'openai.generation.get': {
    method: 'GET',
    valid: { path: '/v1/generation?id=chatcmpl-none' },
    refused: { path: '/v1/generation?id=chatcmpl-none' },
    status: 404,
    code: 'transaction_not_found',
  },
  'openai.models.list': {
    method: 'GET',
    valid: { path: '/v1/models' },
    refused: { path: '/v1/models?limit=0' },
    status: 400,
    code: 'invalid_input',
  },
  'openai.models.get': {
    method: 'GET',
    valid: { path: '/v1/models/none' },
    refused: { path: '/v1/models/none' },
    status: 404,
    code: 'model_not_found',
  },
};
