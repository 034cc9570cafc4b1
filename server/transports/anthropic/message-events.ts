import { AppError } from '../../kernel/errors.ts';
import { AnswerParts, type PartEvent } from '../chat/answer-parts.ts';
import { type CompletionFrame, failureOf } from '../chat/completion.ts';
import { namedEvent } from '../chat/server-sent-events.ts';
import { anthropicError } from './errors.ts';
import { block, endUsage, messageEnvelope, stopReasonOf } from './message-format.ts';

/**
 * Server-sent events as Anthropic sends them: https://docs.claude.com/en/docs/build-with-claude/streaming. An answer that fails
 * on the way ends with an `error` event, which Anthropic's clients throw.
 */
export async function* messageEvents(frame: CompletionFrame): AsyncGenerator<string> {
  const parts = new AnswerParts(frame);
  let isCalling = false;
  const blockEvents = function* (events: Iterable<PartEvent>) {
    for (const event of events) {
      isCalling ||= event.part.kind === 'call';
      yield blockEvent(event);
    }
  };
  yield sent('message_start', { message: messageEnvelope(frame) });
  try {
    for await (const event of frame.answer.events) {
      if (event.kind === 'delta') {
        yield* blockEvents(parts.take(event.fields));
      } else if (event.kind === 'failed') {
        throw failureOf(frame, event);
      } else {
        yield* blockEvents(parts.close());
        const delta = { stop_reason: stopReasonOf(event, isCalling), stop_sequence: null };
        yield sent('message_delta', { delta, usage: endUsage(event) });
        yield sent('message_stop', {});
      }
    }
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    yield namedEvent('error', anthropicError(error));
  }
}

function blockEvent(event: PartEvent): string {
  const { kind, index, part } = event;
  if (kind === 'begun') return sent('content_block_start', { index, content_block: block(part, '') });
  if (kind === 'ended') return sent('content_block_stop', { index });
  return sent('content_block_delta', { index, delta: deltaOf(event) });
}

function deltaOf({ part, text }: Extract<PartEvent, { kind: 'piece' }>): object {
  switch (part.kind) {
    case 'thinking':
      return { type: 'thinking_delta', thinking: text };
    case 'call':
      return { type: 'input_json_delta', partial_json: text };
    default:
      return { type: 'text_delta', text };
  }
}

function sent(type: string, fields: object): string {
  return namedEvent(type, { type, ...fields });
}
