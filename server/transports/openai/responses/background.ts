import type { WholeAnswer } from '../../../domains/requests/index.ts';
import type { AccountActor } from '../../../kernel/actor.ts';
import { AppError, invalidInput, notFound } from '../../../kernel/errors.ts';
import { asId, type TransactionId } from '../../../kernel/ids.ts';
import type { JsonObject } from '../../../kernel/json.ts';
import type { HttpRequest, HttpResponse } from '../../../platform/http/types.ts';
import { partsOf } from '../../chat/answer-parts.ts';
import { type AskedOrder, beginCompletion, type ChatDependencies } from '../../chat/completion.ts';
import type { LastingAnswer, LastingEvent } from '../../chat/lasting-answers.ts';
import { namedEvent } from '../../chat/server-sent-events.ts';
import type { Conversation } from './conversation.ts';
import { findKept, keptResponse } from './kept-responses.ts';
import type { ResponseRequest } from './request-schema.ts';
import { eventsOfResponse, isAnswer, type ResponseEvent } from './response-events.ts';
import { endedResponse, type ResponseFrame, responseInProgress } from './response-format.ts';

type Dependencies = Pick<ChatDependencies, 'lasting' | 'answers'>;

/**
 * A response that is worked on without whoever asked: given at once as `queued`, or as a stream that may be left and taken up
 * again. It goes on until it has ended, or is cancelled. Unless `store` is false it is kept before it is given, and how it ended
 * before anybody is told; its events are in memory. Refuses with `rate_limited`.
 */
export async function answerInBackground(
  actor: AccountActor,
  request: HttpRequest,
  {
    asked: given,
    order,
    conversation,
  }: {
    readonly asked: ResponseRequest;
    readonly order: AskedOrder;
    readonly conversation: Conversation;
  },
  { requests, lasting, answers }: Dependencies & Pick<ChatDependencies, 'requests'>,
): Promise<HttpResponse> {
  if (request.header('idempotency-key') !== undefined)
    throw invalidInput('background: it has an id to come back by, and takes no Idempotency-Key.', {
      param: 'background',
    });
  const { id, createdAtMs } = lasting.newId();
  const frame: ResponseFrame = {
    answer: { transactionId: asId<TransactionId>(id), createdAtMs, model: given.model },
  };
  const contentOf = (response: object) => keptResponse(response, conversation);
  const queued = contentOf(responseInProgress(frame, given, 'queued'));
  const isKept =
    given.store !== false &&
    (await answers.keep(actor, { kind: 'response', id, hasEnded: false, content: queued }));
  const asked = { ...given, store: isKept };
  let billed: object | null = null;
  const keepsWhole = (whole: WholeAnswer) => {
    billed = wholeResponse(frame, asked, whole);
    return answers.billed(actor, { kind: 'response', id, content: contentOf(billed) }, whole.transactionId);
  };
  const keep = async (response: object, isWhole: boolean) => {
    if (!isKept) return;
    // What was kept with the bill may have its items in another order than its events told.
    const replaces = isWhole && billed !== null && JSON.stringify(response) !== JSON.stringify(billed);
    await answers.end(actor, { kind: 'response', id, content: contentOf(response) }, replaces);
  };
  // The request is over before its work is.
  const cost = request.header('x-yggdrasil-max-cost-cents');
  const header = (name: string) => (name === 'x-yggdrasil-max-cost-cents' ? cost : undefined);
  const work = {
    name: nameOf(id),
    fingerprint: '',
    state: responseInProgress(frame, asked, 'queued'),
    events: (signal: AbortSignal) => {
      const kept = isKept ? { ...order, keepsWhole } : order;
      const begun = beginCompletion(actor, kept, { header, signal }, false, { requests });
      return lastingEvents(eventsOfResponse(frame, asked, 'queued', orCancelled(begun, signal)), keep);
    },
  };
  const answer = await lasting.begin(actor, work).catch(async (error: unknown) => {
    // Nobody knows of it, and it would take the place of those that ended.
    if (isKept) await answers.remove(actor, 'response', id);
    throw error;
  });
  return asked.stream ? streamed(answer, -1) : json(answer.state);
}

/**
 * `GET /v1/responses/{id}`, as it stands, or as a stream from behind an event on, which takes one in the background of the last hour.
 * Refuses with `response_not_found` and `invalid_input`.
 */
export async function getResponse(
  actor: AccountActor,
  request: HttpRequest,
  dependencies: Dependencies,
): Promise<HttpResponse> {
  const answer = dependencies.lasting.find(actor, nameInPath(request));
  if (answer === null || request.query.get('stream') !== 'true') {
    const response = answer?.state ?? (await getKept(actor, request, dependencies));
    if (request.query.get('stream') !== 'true') return json(response);
    throw invalidInput('stream: the events of this response are not kept. Ask for it as it stands.', {
      param: 'stream',
    });
  }
  const after = request.query.get('starting_after') ?? '-1';
  if (/^(-1|[0-9]{1,9})$/.test(after)) return streamed(answer, Number(after));
  throw invalidInput('starting_after must be the number of an event.', { param: 'starting_after' });
}

/** `POST /v1/responses/{id}/cancel`: what was delivered is billed. One that has ended stays as it is. Refuses as `getResponse`. */
export async function cancelResponse(
  actor: AccountActor,
  request: HttpRequest,
  dependencies: Dependencies,
): Promise<HttpResponse> {
  const answer = dependencies.lasting.find(actor, nameInPath(request));
  await answer?.cancel();
  return json(answer?.state ?? (await getKept(actor, request, dependencies)));
}

/** `DELETE /v1/responses/{id}`: forgets it, and cancels it where it is at work. Refuses as `getResponse`. */
export async function removeResponse(
  actor: AccountActor,
  request: HttpRequest,
  { lasting, answers }: Dependencies,
): Promise<HttpResponse> {
  const wasKept = await answers.remove(actor, 'response', idInPath(request));
  const name = nameInPath(request);
  if (!wasKept || lasting.find(actor, name) !== null) await lasting.remove(actor, name);
  return json({ id: request.params.responseId, object: 'response', deleted: true });
}

async function getKept(
  actor: AccountActor,
  request: HttpRequest,
  { answers }: Pick<Dependencies, 'answers'>,
): Promise<JsonObject> {
  const kept = await findKept(actor, idInPath(request), answers);
  if (kept === null) throw notFound('response');
  return kept.response;
}

/** Where nobody was asked yet, a request that is given up has its own refusal. */
async function orCancelled<Frame>(begun: Promise<Frame>, signal: AbortSignal): Promise<Frame> {
  try {
    return await begun;
  } catch (error) {
    if (signal.aborted) throw new AppError('unavailable', 'request_cancelled', 'The request was cancelled.');
    throw error;
  }
}

/** The response that an answer is before its events are told. */
function wholeResponse(frame: ResponseFrame, asked: ResponseRequest, whole: WholeAnswer): object {
  return endedResponse(frame, asked, partsOf(frame, whole.fields), whole.end).response;
}

/** What `keep` is given has ended; `isWhole`: with an answer. */
async function* lastingEvents(
  events: AsyncIterable<ResponseEvent>,
  keep: (response: object, isWhole: boolean) => Promise<void>,
): AsyncGenerator<LastingEvent<object>> {
  for await (const event of events) {
    const { type, response } = event;
    if (response !== undefined && ENDS.has(type)) await keep(response, isAnswer(type));
    const text = namedEvent(type, event);
    yield response === undefined ? { text } : { text, state: response };
  }
}

const ENDS: ReadonlySet<string> = new Set(
  ['completed', 'incomplete', 'failed', 'cancelled'].map((status) => `response.${status}`),
);

function streamed(answer: LastingAnswer<unknown>, after: number): HttpResponse {
  const headers = { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' };
  return { status: 200, headers, body: answer.readBehind(after) };
}

function json(value: unknown): HttpResponse {
  const headers = { 'content-type': 'application/json; charset=utf-8' };
  return { status: 200, headers, body: JSON.stringify(value) };
}

function idInPath({ params }: HttpRequest): string {
  return (params.responseId ?? '').replace(/^resp_/, '');
}

function nameInPath(request: HttpRequest): string {
  return nameOf(idInPath(request));
}

function nameOf(id: string): string {
  return `response ${id}`;
}
