/** Counts text, elsewhere than on the event loop. */
export interface Tokenizer {
  /** Tokens in o200k_base of each portion, which is the sum of those of its slices. Called once at a time. */
  countTokens(portions: readonly (readonly string[])[]): Promise<readonly number[]>;
}
