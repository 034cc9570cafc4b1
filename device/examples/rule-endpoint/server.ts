import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type CompletionRequest, completeByRule, type RuleCompletion, requestSchema } from './completion.ts';

/** As much as the market passes on: a context of a million tokens. */
const BODY_BYTES_MAX = 8_388_608;

/**
 * An OpenAI-compatible endpoint whose answers come from rules. It serves `GET /v1/models` and
 * `POST /v1/chat/completions`, streaming or not, and answers every other path with 404.
 */
export function createRuleEndpoint(options: { model: string }): Server {
  return createServer((request, response) => {
    answer(request, response, options.model).catch(() => response.destroy());
  });
}

async function answer(request: IncomingMessage, response: ServerResponse, model: string): Promise<void> {
  const route = `${request.method} ${request.url?.split('?')[0]}`;
  if (route === 'GET /v1/models') {
    sendJson(response, 200, {
      object: 'list',
      data: [{ id: model, object: 'model', created: 0, owned_by: 'rules' }],
    });
  } else if (route === 'POST /v1/chat/completions') {
    const body = await readBody(request);
    const parsed = body === null ? null : requestSchema.safeParse(body);
    if (!parsed?.success) sendError(response, 400, 'The body is not a chat completion request.');
    else if (parsed.data.model !== model) sendError(response, 404, `There is only "${model}" here.`);
    else sendCompletion(response, parsed.data);
  } else sendError(response, 404, 'There is no such path here.');
}

function sendCompletion(response: ServerResponse, request: CompletionRequest): void {
  const completion = completeByRule(request);
  const common = { id: 'chatcmpl-rule', created: Math.floor(Date.now() / 1000), model: request.model };
  if (!request.stream) {
    const message = { role: 'assistant', content: completion.pieces.join('') };
    sendJson(response, 200, {
      ...common,
      object: 'chat.completion',
      choices: [{ index: 0, message, finish_reason: completion.finishReason, logprobs: null }],
      usage: usage(completion),
    });
    return;
  }
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
  const chunk = (fields: Record<string, unknown>) =>
    response.write(`data: ${JSON.stringify({ ...common, object: 'chat.completion.chunk', ...fields })}\n\n`);
  for (const [index, content] of completion.pieces.entries()) {
    const delta = index === 0 ? { role: 'assistant', content } : { content };
    chunk({ choices: [{ index: 0, delta, finish_reason: null }] });
  }
  chunk({ choices: [{ index: 0, delta: {}, finish_reason: completion.finishReason }] });
  if (request.stream_options?.include_usage) chunk({ choices: [], usage: usage(completion) });
  response.end('data: [DONE]\n\n');
}

function usage({ promptTokens, completionTokens }: RuleCompletion): Record<string, number> {
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
  };
}

/** The body as JSON; null for one that is none, or too large. */
async function readBody(request: IncomingMessage): Promise<unknown> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    bytes += part.length;
    if (bytes > BODY_BYTES_MAX) return null;
    parts.push(part);
  }
  try {
    return JSON.parse(Buffer.concat(parts).toString('utf8'));
  } catch {
    return null;
  }
}

function sendError(response: ServerResponse, status: number, message: string): void {
  sendJson(response, status, { error: { message, type: 'invalid_request_error', param: null, code: null } });
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}
