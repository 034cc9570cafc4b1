import { createHash } from 'node:crypto';
import type { AnswerService } from '../../domains/answers/index.ts';
import type { CountedMessage, TokenCounter } from '../../domains/pricing/index.ts';
import {
  type ComputeAnswer,
  type ComputeEvent,
  MergedDelta,
  type RequestService,
  type UncountedOrder,
} from '../../domains/requests/index.ts';
import type { AccountActor } from '../../kernel/actor.ts';
import { isOperationInScope } from '../../kernel/credential-scope.ts';
import { AppError, InvariantError, invalidInput } from '../../kernel/errors.ts';
import { idempotencyKeyReused } from '../../kernel/idempotency-key.ts';
import type { JsonObject } from '../../kernel/json.ts';
import { priceToText } from '../../kernel/money.ts';
import type { HttpRequest, HttpResponse } from '../../platform/http/types.ts';
import {
  type ChatRequest,
  continuationBody,
  definitionsText,
  mediaTokensOf,
  providerBody,
  textOf,
} from './chat-schema.ts';
import { choiceOf } from './choice.ts';
import type { LastingAnswers, LastingEvent } from './lasting-answers.ts';
import { taskOf } from './needs.ts';
import { readIdempotencyKey, readMaximumCost } from './read-chat-request.ts';
import type { RetriedRequests } from './retried-requests.ts';

/** What serving a chat needs. */
export interface ChatDependencies {
  readonly requests: Pick<RequestService, 'createRequest'>;
  readonly tokens: Pick<TokenCounter, 'countPrompt' | 'countText' | 'tokenizerOf'>;
  readonly retried: Pick<RetriedRequests, 'serve'>;
  /** Streams whose readers may come back. */
  readonly lasting: Pick<LastingAnswers<unknown>, 'newId' | 'begin' | 'find' | 'get' | 'remove'>;
  /** Answers that are there over a restart. */
  readonly answers: Pick<AnswerService, 'keep' | 'end' | 'billed' | 'find' | 'findAll' | 'remove'>;
}

/** What every chunk and answer of one request has in common. */
export interface CompletionFrame {
  readonly answer: ComputeAnswer;
  /** As the server counted them; 0 where an answer is given again. */
  readonly promptTokens: number;
}

/** The last event of an answer that did not fail. */
export type EndEvent = Extract<ComputeEvent, { kind: 'end' }>;

/** What is asked of the market, without what every request has. */
export interface AskedOrder
  extends Omit<UncountedOrder, 'costMicrocentsMax' | 'idempotencyKey' | 'isWhole' | 'signal'> {}

/** A chat as an order. */
export function chatOrder(
  actor: AccountActor,
  chat: ChatRequest,
  { tokens }: Pick<ChatDependencies, 'tokens'>,
): AskedOrder {
  return {
    ...choiceOf(chat),
    task: taskOf(chat),
    encodeBody: () => providerBody(chat),
    continuationBody: (beginning) => continuationBody(chat, beginning),
    countPromptTokens: async (tokensMax, tokenizer) =>
      (await tokens.countPrompt(actor.tenantId, countedMessages(chat), tokensMax, tokenizer)) +
      mediaTokensOf(chat),
    completionTokensMax: chat.max_completion_tokens ?? chat.max_tokens ?? null,
  };
}

/** The answer to an order, whole, as `format` writes it. An official client that asks again gets the answer that was made. */
export function answerWhole(
  actor: AccountActor,
  order: AskedOrder,
  request: HttpRequest,
  format: (frame: CompletionFrame, fields: JsonObject, end: EndEvent) => object | Promise<object>,
  dependencies: ChatDependencies,
): Promise<HttpResponse> {
  return dependencies.retried.serve(actor, request, async (lasting) => {
    const frame = await beginCompletion(actor, order, lasting, true, dependencies);
    const { fields, end } = await wholeCompletion(frame);
    const headers = { ...completionHeaders(actor, frame), 'content-type': 'application/json; charset=utf-8' };
    return { status: 200, headers, body: JSON.stringify(await format(frame, fields, end)) };
  });
}

/** The answer to an order as a stream of the server-sent events that `events` gives. */
export async function answerStreamed(
  actor: AccountActor,
  order: AskedOrder,
  request: HttpRequest,
  events: (frame: CompletionFrame) => AsyncIterable<string>,
  dependencies: ChatDependencies,
): Promise<HttpResponse> {
  const { lasting } = dependencies;
  const type = { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' };
  const key = readIdempotencyKey(request);
  const stream = { name: `stream ${request.path} ${key}`, fingerprint: fingerprintOf(request) };
  const behind = readLastEventId(request);
  if (key !== null && behind !== null) {
    const running = await lasting.get(actor, stream.name);
    if (running.fingerprint !== stream.fingerprint) throw idempotencyKeyReused();
    return { status: 200, headers: type, body: running.readBehind(behind) };
  }
  const frame = await beginCompletion(actor, order, request, false, dependencies);
  const headers = { ...completionHeaders(actor, frame), ...type };
  if (key === null || frame.answer.isReplay) return { status: 200, headers, body: events(frame) };
  // Under a key the work goes on without its reader, who may come back to the stream.
  const work = { ...stream, state: null, events: () => numbered(events(frame)) };
  return { status: 200, headers, body: (await lasting.begin(actor, work)).readBehind(-1) };
}

async function* numbered(texts: AsyncIterable<string>): AsyncGenerator<LastingEvent<null>> {
  let number = 0;
  for await (const text of texts) yield { text: `id: ${number++}\n${text}` };
}

/** The last event that whoever comes back to a stream has (WHATWG HTML section 9.2.4); null: it doesn't come back. */
function readLastEventId(request: HttpRequest): number | null {
  const id = request.header('last-event-id');
  if (id === undefined) return null;
  if (/^(-1|[0-9]{1,9})$/.test(id)) return Number(id);
  throw invalidInput('Last-Event-ID must be the number of an event of this stream.', {
    param: 'Last-Event-ID',
  });
}

/** SHA-256 of all that decides what is asked. */
function fingerprintOf(request: HttpRequest): string {
  return createHash('sha256')
    .update(`${request.header('x-yggdrasil-max-cost-cents') ?? ''}\n`)
    .update(request.body)
    .digest('base64');
}

/** Asks for the answer, under the headers that every API of it shares; resolves when it has begun. */
export async function beginCompletion(
  actor: AccountActor,
  order: AskedOrder,
  request: Pick<HttpRequest, 'header' | 'signal'>,
  isWhole: boolean,
  { requests }: Pick<ChatDependencies, 'requests'>,
): Promise<CompletionFrame> {
  let promptTokens = 0;
  const answer = await requests.createRequest(actor, {
    ...order,
    countPromptTokens: async (tokensMax, tokenizer) => {
      const counted = await order.countPromptTokens(tokensMax, tokenizer);
      promptTokens = typeof counted === 'number' ? counted : counted.all;
      return counted;
    },
    costMicrocentsMax: readMaximumCost(request),
    idempotencyKey: readIdempotencyKey(request),
    isWhole,
    signal: request.signal,
  });
  return { answer, promptTokens };
}

/** The operation that tells what is left. */
const BALANCE_OPERATION = 'ledger.balance.get';

/** Headers of every answer to a chat. What is left on the account is told to whoever could ask for it. */
function completionHeaders(
  actor: AccountActor,
  { answer }: CompletionFrame,
): Readonly<Record<string, string>> {
  const available = answer.availableMicrocents();
  const mayKnow = isOperationInScope(actor, BALANCE_OPERATION);
  return {
    'x-yggdrasil-transaction-id': answer.transactionId,
    ...(available !== null && mayKnow ? { 'x-yggdrasil-balance-cents': priceToText(available) } : {}),
    ...(answer.isReplay ? { 'idempotent-replayed': 'true' } : {}),
  };
}

/** All deltas of an answer put together, and its end. Throws what `failureOf` gives. */
export async function wholeCompletion(
  frame: CompletionFrame,
): Promise<{ readonly fields: JsonObject; readonly end: EndEvent }> {
  const merged = new MergedDelta();
  for await (const event of frame.answer.events) {
    if (event.kind === 'delta') merged.add(event.fields);
    else if (event.kind === 'failed') throw failureOf(frame, event);
    else return { fields: merged.fields, end: event };
  }
  throw new InvariantError('an answer has no end');
}

/**
 * The answer failed after it had begun. Where it could have been billed all the same, a client that repeats the request by
 * itself could pay twice: that one is no 503, and is told not to.
 */
export function failureOf(
  { answer }: CompletionFrame,
  event: Extract<ComputeEvent, { kind: 'failed' }>,
): AppError {
  const { transactionId } = answer;
  switch (event.code) {
    case 'outcome_unknown':
      return new AppError(
        'internal',
        event.code,
        'The answer is complete, but whether it was billed is not known yet. Its transaction will tell.',
        { details: { transactionId, mayRepeat: false } },
      );
    case 'request_cancelled':
      return new AppError(
        'unavailable',
        event.code,
        'The request was cancelled. What was delivered is billed.',
        {
          details: { transactionId },
        },
      );
    case 'reader_stalled':
      return new AppError(
        'unavailable',
        event.code,
        'The answer was not read. What was delivered is billed.',
        {
          details: { transactionId },
        },
      );
    default:
      return new AppError(
        'unavailable',
        event.code,
        'The answer could not be finished. Nothing was billed.',
        {
          details: { transactionId },
        },
      );
  }
}

/** What a chat's prompt is counted of. Tools count as a message of their own, which is what endpoints make of them. */
export function countedMessages(chat: ChatRequest): CountedMessage[] {
  const definitions = definitionsText(chat);
  const messages = chat.messages.map(countedMessage);
  return definitions === '' ? messages : [{ role: 'system', text: definitions }, ...messages];
}

function countedMessage(message: ChatRequest['messages'][number]): CountedMessage {
  return { role: message.role, text: textOf(message), name: 'name' in message ? message.name : undefined };
}
