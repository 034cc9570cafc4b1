import { AppError } from '../../kernel/errors.ts';
import type { Microcents } from '../../kernel/money.ts';
import type { DisputedShare, DisputeEnd, DisputeState, Ruling, StoredDispute } from './types.ts';

/** What goes back of one share. */
export interface RefundedShare {
  readonly share: DisputedShare;
  readonly earningsMicrocents: Microcents;
  readonly feeMicrocents: Microcents;
}

/**
 * `amount` as parts of all earnings and fees, each in proportion to what it is of the whole: every part is rounded so that the sum of the
 * first ones is exact, hence none is more than there is, and all of them are `amount`. `amount` is at most the sum of the shares.
 * With `keepsFee` all of it is of the earnings.
 */
export function splitRefund(
  shares: readonly DisputedShare[],
  amountMicrocents: Microcents,
  keepsFee: boolean,
): readonly RefundedShare[] {
  const feeOf = ({ feeMicrocents }: DisputedShare) => (keepsFee ? 0n : feeMicrocents);
  const whole = shares.reduce((sum, share) => sum + feeOf(share) + share.earningsMicrocents, 0n);
  let before = 0n;
  const partOf = (microcents: Microcents): Microcents => {
    if (whole === 0n) return 0n;
    const from = (before * amountMicrocents) / whole;
    before += microcents;
    return (before * amountMicrocents) / whole - from;
  };
  return shares.map((share) => ({
    share,
    earningsMicrocents: partOf(share.earningsMicrocents),
    feeMicrocents: partOf(feeOf(share)),
  }));
}

/** What an operator decided, in money. Refuses with `amount_out_of_range` a part that is nothing, or not a part. */
export function refundOf(ruling: Ruling, { costMicrocents }: StoredDispute): Microcents {
  switch (ruling.outcome) {
    case 'refused':
      return 0n;
    case 'refunded':
      return costMicrocents;
    case 'refunded_partly': {
      const { amountMicrocents } = ruling;
      if (amountMicrocents < 1n || amountMicrocents >= costMicrocents) {
        throw new AppError(
          'invalid',
          'amount_out_of_range',
          'A part of the cost is more than nothing, and less than all.',
        );
      }
      return amountMicrocents;
    }
  }
}

/** How a dispute stands once so much of its cost is given back. */
export function stateAfter(refundedMicrocents: Microcents, costMicrocents: Microcents): DisputeState {
  if (refundedMicrocents === 0n) return 'refused';
  return refundedMicrocents < costMicrocents ? 'refunded_partly' : 'refunded';
}

/** Who asked takes the dispute back. */
export const WITHDRAWN: DisputeEnd = {
  keepsFee: false,
  refundedMicrocents: 0n,
  rule: 'withdrawn',
  reason: 'Who opened it took it back.',
  decidedBy: null,
};

/**
 * What becomes of a dispute by itself, once its time is over or all have agreed: who doesn't answer gives back what he earned, and who claims
 * something that nobody found to be so gets nothing. The platform's commission goes back by an operator's decision alone: two accounts of
 * one person could undo it otherwise, and buy ratings and quality from themselves for nothing.
 */
export function endByRule({ shares, isAnswered }: StoredDispute): DisputeEnd {
  const refundedMicrocents = shares.reduce((sum, share) => sum + share.earningsMicrocents, 0n);
  const earned = { refundedMicrocents, keepsFee: true, decidedBy: null };
  if (shares.every(({ agreedAtMs }) => agreedAtMs !== null))
    return { ...earned, rule: 'providers_agreed', reason: 'Every provider agreed to give it back.' };
  if (!isAnswered) return { ...earned, rule: 'unanswered', reason: 'No provider answered in time.' };
  return {
    refundedMicrocents: 0n,
    keepsFee: false,
    rule: 'undecided',
    reason: 'It was answered, and nobody decided in time.',
    decidedBy: null,
  };
}
