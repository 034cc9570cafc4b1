import { addedDecisions } from '../decisions/index.ts';
import {
  businessRow,
  guardedRow,
  transferIdFor,
  type UnitOfWork,
  unfrozenEarnings,
} from '../ledger/index.ts';
import { refundedTransactions } from '../transactions/index.ts';
import { refundReceipts } from './receipts.ts';
import { decidedDisputes, openDisputes } from './rows.postgres.ts';
import { splitRefund, stateAfter } from './rules.ts';
import type { DisputeEnd, StoredDispute } from './types.ts';

/**
 * The end of a dispute that gives something back, in one transaction: the ledger's reversal, the transaction of both sides, the dispute with
 * its decision, the receipts. What is left of the earnings goes on to its release. Refused with `dispute_decided` where it is decided.
 */
export function refundUnit(dispute: StoredDispute, end: DisputeEnd, nowMs: number): UnitOfWork {
  const { id, requester, postId, transactionId, shares, costMicrocents } = dispute;
  const { refundedMicrocents, keepsFee, ...decided } = end;
  const { tenantId } = requester;
  const parts = splitRefund(shares, refundedMicrocents, keepsFee);
  const state = stateAfter(refundedMicrocents, costMicrocents);
  const decision = { outcome: state, ...decided };
  const refunded = parts.map(({ share, earningsMicrocents, feeMicrocents }) => ({
    providerId: share.providerId,
    refundedMicrocents: earningsMicrocents + feeMicrocents,
    refundedEarningsMicrocents: earningsMicrocents,
  }));
  return {
    tenantId,
    guards: [guardedRow(openDisputes, { id })],
    commands: [
      {
        kind: 'reversal',
        id: transferIdFor('reversal', postId),
        owner: { tenantId },
        postId,
        payees: parts.map(({ share, earningsMicrocents }) => ({
          owner: { tenantId: share.tenantId },
          amountMicrocents: earningsMicrocents,
        })),
        feeMicrocents: parts.reduce((sum, { feeMicrocents }) => sum + feeMicrocents, 0n),
      },
    ],
    rows: [
      businessRow(refundedTransactions, { id: transactionId, tenantId, shares: refunded }),
      businessRow(decidedDisputes, { id, state, refundedMicrocents, keepsFee, atMs: nowMs }),
      businessRow(addedDecisions, { subject: { kind: 'dispute', id }, tenantId, decision, atMs: nowMs }),
      businessRow(unfrozenEarnings, { postId, tenantIds: shares.map((share) => share.tenantId) }),
      ...refundReceipts(dispute, end, parts, nowMs),
    ],
  };
}
