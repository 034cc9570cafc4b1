import type { AccountActor } from '../../../kernel/actor.ts';
import type { JsonObject } from '../../../kernel/json.ts';
import type { HttpRequest, HttpResponse } from '../../../platform/http/types.ts';
import { partsOf } from '../../chat/answer-parts.ts';
import {
  answerStreamed,
  answerWhole,
  type ChatDependencies,
  type CompletionFrame,
  chatOrder,
  type EndEvent,
} from '../../chat/completion.ts';
import { answerInBackground } from './background.ts';
import { conversationOf } from './conversation.ts';
import { keepEnded } from './kept-responses.ts';
import { responseEvents } from './response-events.ts';
import { endedResponse } from './response-format.ts';
import { chatOfResponse, readResponseRequest } from './to-chat.ts';

/** `POST /v1/responses`: asks as a chat, and gives the answer as a response, whole or as a stream. Kept unless `store` is false. */
export async function createResponse(
  actor: AccountActor,
  request: HttpRequest,
  dependencies: ChatDependencies,
): Promise<HttpResponse> {
  const asked = readResponseRequest(request);
  const conversation = await conversationOf(actor, asked, dependencies.answers);
  const order = chatOrder(actor, chatOfResponse(asked, conversation.items), dependencies);
  if (asked.background)
    return answerInBackground(actor, request, { asked, order, conversation }, dependencies);
  const keep = (frame: CompletionFrame, response: object) =>
    asked.store === false || frame.answer.isReplay
      ? Promise.resolve(response)
      : keepEnded(actor, response, conversation, dependencies.answers);
  if (asked.stream) {
    const events = (frame: CompletionFrame) =>
      responseEvents(frame, asked, (response) => keep(frame, response));
    return answerStreamed(actor, order, request, events, dependencies);
  }
  const format = (frame: CompletionFrame, fields: JsonObject, end: EndEvent) =>
    keep(frame, endedResponse(frame, asked, partsOf(frame, fields), end).response);
  return answerWhole(actor, order, request, format, dependencies);
}
