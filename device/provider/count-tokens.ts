import type { TokenUsage } from './completion-chunk.ts';

/** Tokens that the format of a chat adds to a message, and to the answer: OpenAI's cookbook, "count tokens". */
const MESSAGE_OVERHEAD_TOKENS = 3;
const ANSWER_OVERHEAD_TOKENS = 3;

/** Control tokens in a text are only text: they are counted as what they look like. */
const AS_TEXT = { allowedSpecial: new Set<string>(), disallowedSpecial: new Set<string>() };

/**
 * Counts what an endpoint didn't, with the tokenizer of OpenAI's current models: an approximation for all others. The
 * server bills the smaller of this and its own count.
 */
export async function countTokens(messages: unknown, answer: string): Promise<TokenUsage> {
  const { countTokens: countWithTokenizer } = await import('gpt-tokenizer');
  const count = (text: string) => countWithTokenizer(text, AS_TEXT);
  let promptTokens = ANSWER_OVERHEAD_TOKENS;
  for (const message of Array.isArray(messages) ? messages : []) {
    promptTokens +=
      MESSAGE_OVERHEAD_TOKENS + count(messageText((message as { content?: unknown } | null)?.content));
  }
  return { promptTokens, completionTokens: count(answer) };
}

/** The text of a message: a string, or parts of which some are text. */
export function messageText(content: unknown): string {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return '';
  return content
    .map((part: { text?: unknown } | null) => (typeof part?.text === 'string' ? part.text : ''))
    .join('\n');
}
