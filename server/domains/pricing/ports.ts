/** Counts text, elsewhere than on the event loop. */
export interface Tokenizer {
  /** Tokens in o200k_base of each portion, which is the sum of those of its slices. Called once at a time. */
  countTokens(portions: readonly (readonly string[])[]): Promise<readonly number[]>;
}

/** Counts with tokenizers of models, elsewhere than on the event loop. */
export interface ModelTokenizers {
  /** The one that counts what a model says and is told; null: there is none. */
  tokenizerOf(model: string): string | null;
  /** Tokens of each portion. Rejects where this tokenizer can't count. */
  countTokens(tokenizer: string, portions: readonly (readonly string[])[]): Promise<readonly number[]>;
}
