import type { CountedMessage, TokenCounter } from '../../domains/pricing/index.ts';
import { MergedDelta, type RequestService } from '../../domains/requests/index.ts';
import type { AccountActor } from '../../kernel/actor.ts';
import { InvariantError } from '../../kernel/errors.ts';
import type { HttpRequest, HttpResponse } from '../../platform/http/types.ts';
import { type ChatRequest, definitionsText, providerBody, textOf } from './chat-schema.ts';
import { type CompletionFrame, completionEvents, completionObject, failureOf } from './completion-format.ts';
import { readChatRequest, readIdempotencyKey, readMaximumCost } from './read-chat-request.ts';

/** What serving a chat completion needs. */
export interface ChatCompletionDependencies {
  readonly requests: Pick<RequestService, 'createRequest'>;
  readonly tokens: Pick<TokenCounter, 'countPrompt'>;
}

/** `POST /v1/chat/completions`: checks, and gives the provider's answer whole or as a stream. */
export async function createChatCompletion(
  actor: AccountActor,
  request: HttpRequest,
  { requests, tokens }: ChatCompletionDependencies,
): Promise<HttpResponse> {
  const chat = readChatRequest(request);
  const costMicrocentsMax = readMaximumCost(request);
  const idempotencyKey = readIdempotencyKey(request);
  const answer = await requests.createRequest(actor, {
    model: chat.model,
    body: providerBody(chat),
    countPromptTokens: () => tokens.countPrompt(actor.tenantId, countedMessages(chat)),
    completionTokensMax: chat.max_completion_tokens ?? chat.max_tokens ?? null,
    costMicrocentsMax,
    idempotencyKey,
    signal: request.signal,
  });
  const frame = { answer, model: chat.model };
  const headers = {
    'x-yggdrasil-transaction-id': answer.transactionId,
    ...(answer.isReplay ? { 'idempotent-replayed': 'true' } : {}),
  };
  if (!chat.stream) {
    const body = JSON.stringify(await wholeAnswer(frame));
    return { status: 200, headers: { ...headers, 'content-type': 'application/json; charset=utf-8' }, body };
  }
  return {
    status: 200,
    headers: { ...headers, 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' },
    body: completionEvents(frame, chat.stream_options?.include_usage === true),
  };
}

async function wholeAnswer(frame: CompletionFrame): Promise<object> {
  const merged = new MergedDelta();
  for await (const event of frame.answer.events) {
    if (event.kind === 'delta') merged.add(event.fields);
    else if (event.kind === 'failed') throw failureOf(frame, event);
    else return completionObject(frame, merged.fields, event);
  }
  throw new InvariantError('an answer has no end');
}

/** Tools count as a message of their own, which is what endpoints make of them. */
function countedMessages(chat: ChatRequest): CountedMessage[] {
  const definitions = definitionsText(chat);
  const messages = chat.messages.map(countedMessage);
  return definitions === '' ? messages : [{ role: 'system', text: definitions }, ...messages];
}

function countedMessage(message: ChatRequest['messages'][number]): CountedMessage {
  return { role: message.role, text: textOf(message), name: 'name' in message ? message.name : undefined };
}
