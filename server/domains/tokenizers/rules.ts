import { MAJORITY_OWNERS_MIN, PLAUSIBLE_TOKENS_MAX, PLAUSIBLE_TOKENS_MIN } from './limits.ts';
import type { TokenizerHash, TokenizerRule } from './types.ts';

/** A file for a model, and how many owners brought it. */
export interface Vote {
  readonly hash: TokenizerHash;
  readonly owners: number;
}

/** What counts for a model now. */
export interface Chosen {
  readonly hash: TokenizerHash;
  readonly rule: TokenizerRule;
}

/**
 * Which tokenizer counts for a model: what an operator said; else the first one, until more than half of all owners who brought any, and
 * at least two, have brought another. Null: nobody has brought one. `votes` in the order in which they came.
 */
export function chooseTokenizer(before: Chosen | null, votes: readonly Vote[]): Chosen | null {
  if (before?.rule === 'operator') return before;
  const owners = votes.reduce((sum, vote) => sum + vote.owners, 0);
  const most = votes.find((vote) => vote.owners >= MAJORITY_OWNERS_MIN && vote.owners * 2 > owners);
  if (most !== undefined && most.hash !== before?.hash) return { hash: most.hash, rule: 'majority' };
  if (before !== null) return before;
  const [first] = votes;
  return first === undefined ? null : { hash: first.hash, rule: 'first' };
}

/** False: no model's tokenizer makes so few, or so many, tokens of ordinary text. */
export function isPlausible(sampleTokens: number, usualTokens: number): boolean {
  const ratio = sampleTokens / usualTokens;
  return ratio >= PLAUSIBLE_TOKENS_MIN && ratio <= PLAUSIBLE_TOKENS_MAX;
}
