/** Counts text, elsewhere than on the event loop. */
export interface Tokenizer {
  /** Sum of the tokens of `slices` in o200k_base. Called once at a time. */
  countTokens(slices: readonly string[]): Promise<number>;
}
