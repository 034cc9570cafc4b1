import type { AccountActor } from '../../kernel/actor.ts';
import type { JsonObject } from '../../kernel/json.ts';
import type { HttpRequest, HttpResponse } from '../../platform/http/types.ts';
import {
  answerStreamed,
  answerWhole,
  type ChatDependencies,
  type CompletionFrame,
  chatOrder,
  type EndEvent,
} from '../chat/completion.ts';
import { readChatRequest } from '../chat/read-chat-request.ts';
import { completionEvents, completionObject } from './completion-format.ts';

/** `POST /v1/chat/completions`: checks, and gives the provider's answer whole or as a stream. */
export async function createChatCompletion(
  actor: AccountActor,
  request: HttpRequest,
  dependencies: ChatDependencies,
): Promise<HttpResponse> {
  const chat = readChatRequest(request);
  const form = {
    choices: chat.n ?? 1,
    includeUsage: chat.stream_options?.include_usage === true,
    usesFunctions: chat.usesFunctions === true,
  };
  const order = chatOrder(actor, chat, dependencies);
  if (!chat.stream) {
    const format = (frame: CompletionFrame, fields: JsonObject, end: EndEvent) =>
      completionObject(frame, fields, end, form);
    return answerWhole(actor, order, request, format, dependencies);
  }
  const events = (frame: CompletionFrame) => completionEvents(frame, form);
  return answerStreamed(actor, order, request, events, dependencies);
}
