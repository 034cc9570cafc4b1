import type { AccountActor } from '../../kernel/actor.ts';
import { AppError } from '../../kernel/errors.ts';
import type { HttpRequest, HttpResponse } from '../../platform/http/types.ts';
import { type ChatRequest, mediaTokensOf } from '../chat/chat-schema.ts';
import {
  answerStreamed,
  answerWhole,
  type ChatDependencies,
  chatOrder,
  countedMessages,
} from '../chat/completion.ts';
import { messageEvents } from './message-events.ts';
import { messageObject } from './message-format.ts';
import { readMessageRequest, readPrompt } from './to-chat.ts';

/** `POST /v1/messages`: asks as a chat, and gives the answer in Anthropic's form, whole or as a stream. */
export async function createMessage(
  actor: AccountActor,
  request: HttpRequest,
  dependencies: ChatDependencies,
): Promise<HttpResponse> {
  const { message, chat } = readMessageRequest(request);
  const answer = (asked: ChatRequest) => {
    const order = chatOrder(actor, asked, dependencies);
    return message.stream
      ? answerStreamed(actor, order, request, messageEvents, dependencies)
      : answerWhole(actor, order, request, messageObject, dependencies);
  };
  try {
    return await answer(chat);
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'context_length_exceeded') throw error;
    // A message must say a limit, and clients say one that suits large models. Beyond what the context takes it limits nothing.
    const { max_tokens: _, ...unlimited } = chat;
    return answer(unlimited);
  }
}

/** `POST /v1/messages/count_tokens`: what a prompt would be billed as. */
export async function countTokens(
  actor: AccountActor,
  request: HttpRequest,
  { tokens }: Pick<ChatDependencies, 'tokens'>,
): Promise<HttpResponse> {
  const prompt = readPrompt(request);
  const messages = countedMessages(prompt);
  const tokenizer = tokens.tokenizerOf(prompt.model);
  const counted = await tokens.countPrompt(actor.tenantId, messages, Number.MAX_SAFE_INTEGER, tokenizer);
  const inputTokens = counted + mediaTokensOf(prompt);
  return {
    status: 200,
    headers: { 'content-type': 'application/json; charset=utf-8' },
    body: JSON.stringify({ input_tokens: inputTokens }),
  };
}
