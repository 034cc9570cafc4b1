import { AnswerParts, type Part, type PartEvent } from '../../chat/answer-parts.ts';
import { type CompletionFrame, failureOf } from '../../chat/completion.ts';
import { namedEvent } from '../../chat/server-sent-events.ts';
import { toAppError } from '../../error-table.ts';
import { openAiError } from '../errors.ts';
import type { ResponseRequest } from './request-schema.ts';
import {
  begunItem,
  contentPart,
  endedResponse,
  failedResponse,
  itemId,
  itemOf,
  type PartSoFar,
  type ResponseFrame,
  responseInProgress,
} from './response-format.ts';

/** An event of a response; all are numbered from 0. */
export interface ResponseEvent {
  readonly type: string;
  readonly sequence_number: number;
  /** The whole response, in those that have it. */
  readonly response?: object;
}

/**
 * Server-sent events of a response: https://platform.openai.com/docs/api-reference/responses-streaming. An answer that fails
 * on the way ends with `response.failed` and an `error` event, which OpenAI's clients throw. The answer is what `keep` gives for it.
 */
export async function* responseEvents(
  frame: CompletionFrame,
  asked: ResponseRequest,
  keep: (response: object) => Promise<object>,
): AsyncGenerator<string> {
  const events = eventsOfResponse(frame, asked, 'in_progress', Promise.resolve(frame));
  for await (const event of events) {
    const { type, response } = event;
    yield namedEvent(type, isAnswer(type) && response ? { ...event, response: await keep(response) } : event);
  }
}

/** Whether an event of this type brings the answer as a whole. */
export function isAnswer(type: string): boolean {
  return type === 'response.completed' || type === 'response.incomplete';
}

/** The same as objects, of a response that is called as `frame` says, and whose answer may not have begun. */
export async function* eventsOfResponse(
  frame: ResponseFrame,
  asked: ResponseRequest,
  status: 'in_progress' | 'queued',
  begun: Promise<CompletionFrame>,
): AsyncGenerator<ResponseEvent> {
  let sequence = 0;
  const sent = (type: string, fields: object): ResponseEvent => ({
    type,
    sequence_number: sequence++,
    ...fields,
  });
  yield sent('response.created', { response: responseInProgress(frame, asked, status) });
  try {
    const { answer } = await begun;
    yield sent('response.in_progress', { response: responseInProgress(frame, asked) });
    for await (const [type, fields] of eventsOfAnswer(
      { ...answer, ...frame.answer, events: answer.events },
      asked,
    ))
      yield sent(type, fields);
  } catch (cause) {
    const error = toAppError(cause);
    const isCancelled = error.code === 'request_cancelled';
    const type = isCancelled ? 'response.cancelled' : 'response.failed';
    yield sent(type, { response: failedResponse(frame, asked, error) });
    if (isCancelled) return;
    const told = openAiError(error);
    // As the reference has it, and as the clients look for it.
    yield sent('error', { code: told.code, message: told.message, param: told.param, error: told });
    // A fault of ours is told to whoever waits, and to the log by whoever reads this.
    if (error !== cause) throw cause;
  }
}

/** The parts of an answer, and its end. Throws what `failureOf` gives. */
async function* eventsOfAnswer(
  answer: CompletionFrame['answer'],
  asked: ResponseRequest,
): AsyncGenerator<Named> {
  const frame = { answer, promptTokens: 0 };
  const parts = new AnswerParts(frame);
  const ended: PartSoFar[] = [];
  const sentParts = function* (events: Iterable<PartEvent>) {
    for (const event of events) {
      if (event.kind === 'ended') ended.push(event);
      yield* itemEvents(frame, event);
    }
  };
  for await (const event of answer.events) {
    if (event.kind === 'delta') {
      yield* sentParts(parts.take(event.fields));
    } else if (event.kind === 'failed') {
      throw failureOf(frame, event);
    } else {
      yield* sentParts(parts.close());
      const { status, response } = endedResponse(frame, asked, ended, event);
      yield [`response.${status}`, { response }];
    }
  }
}

type Named = readonly [type: string, fields: object];

/** What a part's beginning, piece or end is in events. */
function itemEvents(frame: CompletionFrame, event: PartEvent): Named[] {
  const { index, part } = event;
  const place = { item_id: itemId(frame, index, part), output_index: index };
  const names = NAMES[part.kind];
  const inContent = part.kind === 'call' ? place : { ...place, content_index: 0 };
  if (event.kind === 'begun') {
    const added: Named = [
      'response.output_item.added',
      { output_index: index, item: begunItem(frame, index, part) },
    ];
    if (part.kind === 'call') return [added];
    return [added, ['response.content_part.added', { ...inContent, part: contentPart(part, '') }]];
  }
  const { text } = event;
  if (event.kind === 'piece') return [[names.delta, { ...inContent, delta: text, ...logprobs(part) }]];
  const done: Named[] = [[names.done, { ...inContent, ...wholeText(part, text), ...logprobs(part) }]];
  if (part.kind !== 'call')
    done.push(['response.content_part.done', { ...inContent, part: contentPart(part, text) }]);
  const item = itemOf(frame, { index, part, text }, 'completed');
  return [...done, ['response.output_item.done', { output_index: index, item }]];
}

/** How a part's pieces and its whole are called. */
const NAMES: Readonly<Record<Part['kind'], { readonly delta: string; readonly done: string }>> = {
  thinking: { delta: 'response.reasoning_text.delta', done: 'response.reasoning_text.done' },
  text: { delta: 'response.output_text.delta', done: 'response.output_text.done' },
  refusal: { delta: 'response.refusal.delta', done: 'response.refusal.done' },
  call: { delta: 'response.function_call_arguments.delta', done: 'response.function_call_arguments.done' },
};

function wholeText(part: Part, text: string): object {
  if (part.kind === 'call') return { name: part.name, arguments: text };
  return part.kind === 'refusal' ? { refusal: text } : { text };
}

function logprobs({ kind }: Part): object {
  return kind === 'text' ? { logprobs: [] } : {};
}
