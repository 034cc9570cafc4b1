import { textIn } from '../../domains/providers/index.ts';
import type { JsonObject } from '../../kernel/json.ts';
import { type AnswerChoice, choicesOf } from '../chat/answer-choices.ts';
import { type CompletionFrame, type EndEvent, failureOf } from '../chat/completion.ts';
import { serverSentEvent } from '../chat/server-sent-events.ts';
import { usageOf } from './completion-format.ts';
import { openAiError } from './errors.ts';

/** A whole completion of text: https://platform.openai.com/docs/api-reference/completions/object. */
export function textCompletionObject(
  frame: CompletionFrame,
  fields: JsonObject,
  end: EndEvent,
  choices: number,
): object {
  const known = new Map(choicesOf(fields).map((choice) => [choice.index, choice]));
  const all = Array.from({ length: choices }, (_, index) => known.get(index) ?? silent(index));
  return {
    ...envelope(frame),
    choices: all.map((choice) => textChoice(choice, choice.finishReason ?? end.finishReason)),
    usage: usageOf(end),
  };
}

/** Its server-sent events: the texts as they come, the reasons of their ends, with `includeUsage` the tokens, and `[DONE]`. */
export async function* textCompletionEvents(
  frame: CompletionFrame,
  { includeUsage, choices }: { readonly includeUsage: boolean; readonly choices: number },
): AsyncGenerator<string> {
  const common = { ...envelope(frame), ...(includeUsage ? { usage: null } : {}) };
  const chunk = (choice: AnswerChoice, finishReason: string | null) =>
    serverSentEvent({ ...common, choices: [textChoice(choice, finishReason)] });
  const open = new Set(Array.from({ length: choices }, (_, index) => index));
  for await (const event of frame.answer.events) {
    if (event.kind === 'delta') {
      for (const choice of choicesOf(event.fields)) {
        if (choice.finishReason !== null) open.delete(choice.index);
        yield chunk(choice, choice.finishReason);
      }
    } else if (event.kind === 'failed') {
      yield serverSentEvent({ error: openAiError(failureOf(frame, event)) });
    } else {
      for (const index of open) yield chunk(silent(index), event.finishReason);
      if (includeUsage) yield serverSentEvent({ ...common, choices: [], usage: usageOf(event) });
    }
  }
  yield 'data: [DONE]\n\n';
}

function textChoice({ index, delta, logprobs }: AnswerChoice, finishReason: string | null): object {
  return { index, text: textIn(delta.content), logprobs, finish_reason: finishReason };
}

function silent(index: number): AnswerChoice {
  return { index, delta: {}, logprobs: null, finishReason: null };
}

function envelope({ answer }: CompletionFrame): object {
  return {
    id: `cmpl-${answer.transactionId}`,
    object: 'text_completion',
    created: Math.floor(answer.createdAtMs / 1000),
    model: answer.model,
  };
}
