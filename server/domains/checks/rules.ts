import type { CheckableOffer, CheckVerdict } from '../providers/index.ts';
import {
  CHECK_EVERY_ANSWERS,
  DIFFERING_OWNERS_MIN,
  LENGTH_ANSWERS_MIN,
  LENGTH_OWNERS_MIN,
  LENGTH_RATIO_MAX,
  VALID_CHECKS_MIN,
} from './limits.ts';

/** What tests against another owner's provider have decided last. */
export interface Outcome {
  readonly providerId: string;
  readonly ownerId: string;
  readonly isReference: boolean;
  readonly decision: 'same' | 'other';
}

/** Whether tests of these two providers against each other have decided that they answer the same. */
export type AgreeWithEachOther = (one: Outcome, other: Outcome) => boolean;

/**
 * A reference provider's word decides; without one most owners do, as far as they agree with each other: where all differ, nobody
 * knows who is right.
 */
export function verdictOf(outcomes: readonly Outcome[], agree: AgreeWithEachOther): CheckVerdict {
  const reference = outcomes.filter(({ isReference }) => isReference);
  if (reference.length > 0)
    return reference.some(({ decision }) => decision === 'same') ? 'agrees' : 'doubted';
  const [same, differing] = [ownersOf(outcomes, 'same'), ownersOf(outcomes, 'other')];
  if (differing <= same) return same > 0 ? 'agrees' : 'unchecked';
  const largest = largestGroup(outcomes, agree);
  // Its own owner is one of those who answer so.
  return largest >= DIFFERING_OWNERS_MIN && largest > same + 1 ? 'doubted' : 'differs';
}

function ownersOf(outcomes: readonly Outcome[], wanted: Outcome['decision']): number {
  return new Set(outcomes.filter(({ decision }) => decision === wanted).map(({ ownerId }) => ownerId)).size;
}

/** Owners, at most, who differ and agree with one of them. */
function largestGroup(outcomes: readonly Outcome[], agree: AgreeWithEachOther): number {
  const differing = outcomes.filter(({ decision }) => decision === 'other');
  const sizes = differing.map((one) => {
    const others = differing.filter((other) => other.ownerId !== one.ownerId && agree(one, other));
    return 1 + new Set(others.map(({ ownerId }) => ownerId)).size;
  });
  return Math.max(0, ...sizes);
}

/**
 * As in volunteer computing: after each answer until enough checks in a row were good, then after every fiftieth. Outliers are checked after
 * each one.
 */
export function isDue(answersSince: number, validChecks: number, isOutlier: boolean): boolean {
  return answersSince >= (isOutlier || validChecks < VALID_CHECKS_MIN ? 1 : CHECK_EVERY_ANSWERS);
}

/** True: its answers are several times as long as those of other owners with the same model. */
export function isTooLong(
  { meanTokens, answers, ownerId }: CheckableOffer,
  offers: readonly CheckableOffer[],
): boolean {
  if (meanTokens === null || answers < LENGTH_ANSWERS_MIN) return false;
  const others = offers.filter((other) => other.ownerId !== ownerId && other.answers >= LENGTH_ANSWERS_MIN);
  if (new Set(others.map((other) => other.ownerId)).size < LENGTH_OWNERS_MIN) return false;
  const lengths = others.flatMap((other) => other.meanTokens ?? []).sort((a, b) => a - b);
  return meanTokens > LENGTH_RATIO_MAX * (lengths[Math.floor(lengths.length / 2)] ?? meanTokens);
}
