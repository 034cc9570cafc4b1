import type { AccountActor } from '../../kernel/actor.ts';
import { invalidInput } from '../../kernel/errors.ts';
import type { JsonObject } from '../../kernel/json.ts';
import type { HttpRequest, HttpResponse } from '../../platform/http/types.ts';
import { choiceOf } from '../chat/choice.ts';
import {
  type AskedOrder,
  answerStreamed,
  answerWhole,
  type ChatDependencies,
  type CompletionFrame,
  type EndEvent,
} from '../chat/completion.ts';
import { CHOICES_MAX } from '../chat/limits.ts';
import { need } from '../chat/needs.ts';
import { textCompletionEvents, textCompletionObject } from './text-completion-format.ts';
import { completionRequestSchema, countTexts, readTextRequest, textBody, textsOf } from './text-request.ts';

/** `POST /v1/completions`: text that goes on with each prompt, whole or as a stream. */
export async function createTextCompletion(
  actor: AccountActor,
  request: HttpRequest,
  dependencies: ChatDependencies,
): Promise<HttpResponse> {
  const { asked, extra, needs } = readTextRequest(request, completionRequestSchema);
  const prompts = textsOf(asked.prompt, 'prompt');
  const choices = prompts.length * (asked.n ?? 1);
  if (choices > CHOICES_MAX)
    throw invalidInput(`n: at most ${CHOICES_MAX} answers, of all prompts together.`, { param: 'n' });
  const features = [
    need('completions', 'model'),
    ...((asked.n ?? 1) > 1 ? [need('n', 'n')] : []),
    ...(asked.logprobs == null ? [] : [need('logprobs', 'logprobs')]),
  ];
  const order: AskedOrder = {
    ...choiceOf(asked),
    task: { api: 'completions', choices, needs: [...features, ...needs] },
    encodeBody: () => textBody(asked, extra),
    // Where one provider broke off, only it knows what it made of the prompt.
    continuationBody: () => null,
    countPromptTokens: (_, tokenizer) => countTexts(actor, prompts, dependencies.tokens, tokenizer),
    completionTokensMax: asked.max_tokens ?? null,
  };
  if (!asked.stream) {
    const format = (frame: CompletionFrame, fields: JsonObject, end: EndEvent) =>
      textCompletionObject(frame, fields, end, choices);
    return answerWhole(actor, order, request, format, dependencies);
  }
  const includeUsage = asked.stream_options?.include_usage === true;
  const events = (frame: CompletionFrame) => textCompletionEvents(frame, { includeUsage, choices });
  return answerStreamed(actor, order, request, events, dependencies);
}
