import { HONEST_DIFFERENCE, LIKELIHOOD_RATIO, LOGPROB_DIFFERENCE, WRONG_DIFFERENCE } from './limits.ts';
import type { CheckedAnswer, ScoredToken } from './types.ts';

/** How two answers to the same prompt compare, up to where they part: behind it nothing is comparable. */
export interface Comparison {
  readonly comparedTokens: number;
  readonly differences: number;
}

/** Roughly what tokenizers make of a text: words of eight letters at most, digits, signs, spaces. */
const PIECES = / ?\p{L}{1,8}| ?\p{N}| ?[^\s\p{L}\p{N}]|\s+/gu;

/** Compares tokens and their logprobs where both answers have them, else the texts. Either way round it is the same. */
export function compareAnswers(one: CheckedAnswer, other: CheckedAnswer): Comparison {
  if (one.tokens !== null && other.tokens !== null) return compareTokens(one.tokens, other.tokens);
  return compareTexts(one.text.match(PIECES) ?? [], other.text.match(PIECES) ?? []);
}

function compareTokens(one: readonly ScoredToken[], other: readonly ScoredToken[]): Comparison {
  let differences = 0;
  const length = Math.min(one.length, other.length);
  for (let at = 0; at < length; at++) {
    const [mine, theirs] = [one[at] as ScoredToken, other[at] as ScoredToken];
    if (mine.token !== theirs.token) return { comparedTokens: at + 1, differences: differences + 1 };
    if (Math.abs(mine.logprob - theirs.logprob) > LOGPROB_DIFFERENCE) differences++;
  }
  return { comparedTokens: length, differences };
}

function compareTexts(one: readonly string[], other: readonly string[]): Comparison {
  const length = Math.min(one.length, other.length);
  // Where an answer was cut its last piece may be a part of one.
  const whole = Math.max(0, length - 1);
  for (let at = 0; at < whole; at++) {
    if (one[at] !== other[at]) return { comparedTokens: at + 1, differences: 1 };
  }
  return { comparedTokens: whole, differences: 0 };
}

const PER_DIFFERENCE = Math.log(WRONG_DIFFERENCE / HONEST_DIFFERENCE);
const PER_SAME = Math.log((1 - WRONG_DIFFERENCE) / (1 - HONEST_DIFFERENCE));
const DECISIVE = Math.log(LIKELIHOOD_RATIO);

/**
 * How much likelier a comparison is with another model than with the same one, as a logarithm. Wald's sequential test (1945): sums of it are
 * looked at after each answer, and an honest machine's reaches `DECISIVE` at most once in `LIKELIHOOD_RATIO` tests (Ville's inequality).
 */
export function evidenceOf({ comparedTokens, differences }: Comparison): number {
  return differences * PER_DIFFERENCE + (comparedTokens - differences) * PER_SAME;
}

/** What a sum of evidence decides: the same model, another one, or nothing yet. */
export function decisionOf(evidence: number): 'same' | 'other' | null {
  if (evidence >= DECISIVE) return 'other';
  return evidence <= -DECISIVE ? 'same' : null;
}
