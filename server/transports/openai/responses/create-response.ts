import type { AccountActor } from '../../../kernel/actor.ts';
import type { HttpRequest, HttpResponse } from '../../../platform/http/types.ts';
import { partsOf } from '../../chat/answer-parts.ts';
import { answerStreamed, answerWhole, type ChatDependencies, chatOrder } from '../../chat/completion.ts';
import { answerInBackground } from './background.ts';
import { responseEvents } from './response-events.ts';
import { endedResponse } from './response-format.ts';
import { readResponseRequest } from './to-chat.ts';

/** `POST /v1/responses`: asks as a chat, and gives the answer as a response, whole or as a stream. */
export async function createResponse(
  actor: AccountActor,
  request: HttpRequest,
  dependencies: ChatDependencies,
): Promise<HttpResponse> {
  const { asked, chat } = readResponseRequest(request);
  const order = chatOrder(actor, chat, dependencies);
  if (asked.background) return answerInBackground(actor, request, { asked, order }, dependencies);
  if (asked.stream)
    return answerStreamed(actor, order, request, (frame) => responseEvents(frame, asked), dependencies);
  return answerWhole(
    actor,
    order,
    request,
    (frame, fields, end) => endedResponse(frame, asked, partsOf(frame, fields), end).response,
    dependencies,
  );
}
