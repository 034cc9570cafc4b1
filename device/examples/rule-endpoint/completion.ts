import { decodeGenerator, encode } from 'gpt-tokenizer';
import { z } from 'zod';
import { answerByRule } from './rules.ts';

/** Control tokens in a text are only text: they are counted as what they look like. */
const AS_TEXT = { allowedSpecial: new Set<string>(), disallowedSpecial: new Set<string>() };

const contentSchema = z.union([
  z.string(),
  z.array(z.object({ type: z.string(), text: z.string().optional() })),
  z.null(),
]);

/** The part of a chat completion request that rules can do something with; the rest is ignored. */
export const requestSchema = z.object({
  model: z.string(),
  messages: z.array(z.object({ role: z.string(), content: contentSchema.optional() })).min(1),
  stream: z.boolean().nullish(),
  stream_options: z.object({ include_usage: z.boolean().optional() }).nullish(),
  max_tokens: z.int().positive().nullish(),
  max_completion_tokens: z.int().positive().nullish(),
});

/** A request that was checked. */
export type CompletionRequest = z.infer<typeof requestSchema>;

/** An answer in pieces of about a token each, with its counts. */
export interface RuleCompletion {
  readonly pieces: readonly string[];
  readonly finishReason: 'stop' | 'length';
  readonly promptTokens: number;
  readonly completionTokens: number;
}

/** Answers the last message of a user. Cuts the answer at the request's bound. */
export function completeByRule(request: CompletionRequest): RuleCompletion {
  const { messages } = request;
  const prompt = textOf(messages.findLast(({ role }) => role === 'user')?.content);
  const tokens = encode(answerByRule(prompt), AS_TEXT);
  const tokensMax = request.max_completion_tokens ?? request.max_tokens ?? tokens.length;
  const kept = tokens.slice(0, tokensMax);
  return {
    pieces: [...decodeGenerator(kept)],
    completionTokens: kept.length,
    finishReason: kept.length < tokens.length ? 'length' : 'stop',
    promptTokens: messages.reduce((sum, { content }) => sum + 3 + encode(textOf(content), AS_TEXT).length, 3),
  };
}

function textOf(content: z.infer<typeof contentSchema> | undefined): string {
  if (typeof content === 'string') return content;
  return (content ?? []).map(({ text }) => text ?? '').join('\n');
}
