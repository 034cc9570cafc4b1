/** A token of an answer, with the logarithm of its probability. */
export interface ScoredToken {
  readonly token: string;
  readonly logprob: number;
}

/** An answer to a check. */
export interface CheckedAnswer {
  readonly text: string;
  /** Its tokens; null: its endpoint gives no logprobs. */
  readonly tokens: readonly ScoredToken[] | null;
}

/** What is asked in a check, of each provider of a model the same. */
export interface CheckQuestion {
  readonly model: string;
  readonly prompt: string;
  readonly seed: number;
  readonly tokensMax: number;
}

/** What is kept of the checks of a provider's model over a restart. */
export interface KeptCheck {
  readonly providerId: string;
  readonly tenantId: string;
  readonly model: string;
  readonly verdict: 'unchecked' | 'agrees' | 'differs' | 'doubted';
  readonly comparedTokens: number;
  /** Good checks in a row. */
  readonly validChecks: number;
  readonly checkedAtMs: number;
  /** Null: it isn't paused. */
  readonly pausedUntilMs: number | null;
}
