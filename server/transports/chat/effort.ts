/** Tokens for thinking up to which an effort counts as low, and as medium. */
const LOW_EFFORT_TOKENS_MAX = 4_096;
const MEDIUM_EFFORT_TOKENS_MAX = 16_384;

/** OpenAI's endpoints have no budget of tokens for thinking, but three efforts. */
export function effortOfTokens(tokens: number): 'low' | 'medium' | 'high' {
  if (tokens <= LOW_EFFORT_TOKENS_MAX) return 'low';
  return tokens <= MEDIUM_EFFORT_TOKENS_MAX ? 'medium' : 'high';
}
