import type { AccountActor } from '../../kernel/actor.ts';
import type { HttpRequest, HttpResponse } from '../../platform/http/types.ts';
import {
  answerStreamed,
  answerWhole,
  type ChatDependencies,
  type CompletionFrame,
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
  if (!chat.stream) return answerWhole(actor, chat, request, completionObject, dependencies);
  const includeUsage = chat.stream_options?.include_usage === true;
  const events = (frame: CompletionFrame) => completionEvents(frame, includeUsage);
  return answerStreamed(actor, chat, request, events, dependencies);
}
