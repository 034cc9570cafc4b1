import { z } from 'zod';

/** How much is to be thought, in any of the ways that OpenRouter has for it. */
export const effortFields = {
  effort: z.string().max(32).nullish(),
  max_tokens: z.int().min(1).nullish(),
  enabled: z.boolean().nullish(),
};

/** Tokens for thinking up to which an effort counts as low, and as medium. */
const LOW_EFFORT_TOKENS_MAX = 4_096;
const MEDIUM_EFFORT_TOKENS_MAX = 16_384;

/** OpenAI's endpoints have no budget of tokens for thinking, but three efforts. */
export function effortOfTokens(tokens: number): 'low' | 'medium' | 'high' {
  if (tokens <= LOW_EFFORT_TOKENS_MAX) return 'low';
  return tokens <= MEDIUM_EFFORT_TOKENS_MAX ? 'medium' : 'high';
}

const EFFORTS = { true: 'medium', false: 'none' } as const;

/** The same in OpenAI's words; null: nothing was said of it. Where only `enabled` is said, OpenRouter has a model think at medium effort. */
export function effortOf({
  effort,
  max_tokens: tokens,
  enabled,
}: z.infer<z.ZodObject<typeof effortFields>>): string | null {
  if (effort != null) return effort;
  if (tokens != null) return effortOfTokens(tokens);
  return enabled == null ? null : EFFORTS[`${enabled}`];
}
