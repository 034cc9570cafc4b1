import type { AccountActor } from '../../../kernel/actor.ts';
import { AppError, invalidInput } from '../../../kernel/errors.ts';
import { asId, type TransactionId } from '../../../kernel/ids.ts';
import type { HttpRequest, HttpResponse } from '../../../platform/http/types.ts';
import { type AskedOrder, beginCompletion, type ChatDependencies } from '../../chat/completion.ts';
import type { LastingAnswer, LastingEvent } from '../../chat/lasting-answers.ts';
import { namedEvent } from '../../chat/server-sent-events.ts';
import type { ResponseRequest } from './request-schema.ts';
import { eventsOfResponse, type ResponseEvent } from './response-events.ts';
import { type ResponseFrame, responseInProgress } from './response-format.ts';

type Dependencies = Pick<ChatDependencies, 'lasting'>;

/**
 * A response that is worked on without whoever asked: given at once as `queued`, or as a stream that may be left and taken up
 * again. It goes on until it has ended, or is cancelled. Refuses with `rate_limited`.
 */
export async function answerInBackground(
  actor: AccountActor,
  request: HttpRequest,
  { asked, order }: { readonly asked: ResponseRequest; readonly order: AskedOrder },
  { requests, lasting }: Pick<ChatDependencies, 'requests' | 'lasting'>,
): Promise<HttpResponse> {
  if (request.header('idempotency-key') !== undefined)
    throw invalidInput('background: it has an id to come back by, and takes no Idempotency-Key.', {
      param: 'background',
    });
  const { id, createdAtMs } = lasting.newId();
  const frame: ResponseFrame = {
    answer: { transactionId: asId<TransactionId>(id), createdAtMs, model: asked.model },
  };
  // The request is over before its work is.
  const cost = request.header('x-yggdrasil-max-cost-cents');
  const header = (name: string) => (name === 'x-yggdrasil-max-cost-cents' ? cost : undefined);
  const answer = await lasting.begin(actor, {
    name: nameOf(id),
    fingerprint: '',
    state: responseInProgress(frame, asked, 'queued'),
    events: (signal) => {
      const begun = beginCompletion(actor, order, { header, signal }, false, { requests });
      return lastingEvents(eventsOfResponse(frame, asked, 'queued', orCancelled(begun, signal)));
    },
  });
  return asked.stream ? streamed(answer, -1) : json(answer.state);
}

/** `GET /v1/responses/{id}`, as it stands, or as a stream from behind an event on. Refuses with `response_not_found`. */
export async function getResponse(
  actor: AccountActor,
  request: HttpRequest,
  { lasting }: Dependencies,
): Promise<HttpResponse> {
  const answer = await lasting.get(actor, nameInPath(request));
  if (request.query.get('stream') !== 'true') return json(answer.state);
  const after = request.query.get('starting_after') ?? '-1';
  if (/^(-1|[0-9]{1,9})$/.test(after)) return streamed(answer, Number(after));
  throw invalidInput('starting_after must be the number of an event.', { param: 'starting_after' });
}

/** `POST /v1/responses/{id}/cancel`: what was delivered is billed. One that has ended stays as it is. Refuses as `getResponse`. */
export async function cancelResponse(
  actor: AccountActor,
  request: HttpRequest,
  { lasting }: Dependencies,
): Promise<HttpResponse> {
  const answer = await lasting.get(actor, nameInPath(request));
  await answer.cancel();
  return json(answer.state);
}

/** `DELETE /v1/responses/{id}`: forgets it, and cancels it where it is at work. Refuses as `getResponse`. */
export async function removeResponse(
  actor: AccountActor,
  request: HttpRequest,
  { lasting }: Dependencies,
): Promise<HttpResponse> {
  await lasting.remove(actor, nameInPath(request));
  return json({ id: request.params.responseId, object: 'response', deleted: true });
}

/** Where nobody was asked yet, a request that is given up has its own refusal. */
async function orCancelled<Frame>(begun: Promise<Frame>, signal: AbortSignal): Promise<Frame> {
  try {
    return await begun;
  } catch (error) {
    if (signal.aborted) throw new AppError('unavailable', 'request_cancelled', 'The request was cancelled.');
    if (error instanceof AppError) throw error;
    throw new AppError('internal', 'internal', 'The server failed.');
  }
}

async function* lastingEvents(events: AsyncIterable<ResponseEvent>): AsyncGenerator<LastingEvent<object>> {
  for await (const event of events) {
    const text = namedEvent(event.type, event);
    yield event.response === undefined ? { text } : { text, state: event.response };
  }
}

function streamed(answer: LastingAnswer<unknown>, after: number): HttpResponse {
  const headers = { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' };
  return { status: 200, headers, body: answer.readBehind(after) };
}

function json(value: unknown): HttpResponse {
  const headers = { 'content-type': 'application/json; charset=utf-8' };
  return { status: 200, headers, body: JSON.stringify(value) };
}

function nameInPath({ params }: HttpRequest): string {
  return nameOf((params.responseId ?? '').replace(/^resp_/, ''));
}

function nameOf(id: string): string {
  return `response ${id}`;
}
