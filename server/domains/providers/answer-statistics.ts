import { CLAIM_RATIO_MAX, CLAIM_TOKENS_MIN, PADDED_ANSWERS_MIN, PADDED_SHARE_MAX } from './limits.ts';

/** What a provider's answers with one model were like, and what it claimed for them. */
export class AnswerStatistics {
  #answers = 0;
  #completionTokens = 0;
  #paddedShares = 0;
  #claimedTokens = 0;
  #countedTokens = 0;

  /** An answer of so many tokens, by the server's count, came to a good end; this part of its text was not counted. */
  observeAnswer(completionTokens: number, paddedShare: number): void {
    this.#answers++;
    this.#paddedShares += paddedShare;
    this.#completionTokens += completionTokens;
  }

  /** Takes in what was claimed and what the server counted. Returns the ratio of both so far, where it is an outlier. */
  observeClaim(claimedTokens: number, countedTokens: number): number | null {
    this.#claimedTokens += claimedTokens;
    this.#countedTokens += countedTokens;
    return this.isClaimOutlier ? this.claimRatio : null;
  }

  get answers(): number {
    return this.#answers;
  }

  /** Mean tokens of an answer; null before the first. */
  get meanTokens(): number | null {
    return this.#answers === 0 ? null : this.#completionTokens / this.#answers;
  }

  /** The mean part of an answer's text that was padding; null before the first. */
  get paddedShare(): number | null {
    return this.#answers === 0 ? null : this.#paddedShares / this.#answers;
  }

  get isPaddingOutlier(): boolean {
    return this.#answers >= PADDED_ANSWERS_MIN && (this.paddedShare ?? 0) > PADDED_SHARE_MAX;
  }

  /** Tokens claimed for each one counted; null before any claim. */
  get claimRatio(): number | null {
    return this.#countedTokens === 0 ? null : this.#claimedTokens / this.#countedTokens;
  }

  get isClaimOutlier(): boolean {
    return this.#countedTokens >= CLAIM_TOKENS_MIN && (this.claimRatio ?? 0) > CLAIM_RATIO_MAX;
  }
}
