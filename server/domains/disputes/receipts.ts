import { keptReceipts, type Receipt } from '../audit/index.ts';
import { type BusinessRow, businessRow } from '../ledger/index.ts';
import type { RefundedShare } from './rules.ts';
import type { DisputeEnd, StoredDispute } from './types.ts';

/**
 * What was given back, for who asked and for each provider that has lost something, under the id of the dispute; see docs/receipts.md.
 * Neither side's names the other's tenant, account or device.
 */
export function refundReceipts(
  dispute: StoredDispute,
  end: DisputeEnd,
  parts: readonly RefundedShare[],
  nowMs: number,
): BusinessRow[] {
  const { id, requester, costMicrocents } = dispute;
  const ours: Receipt = {
    record: recordOf(dispute, requester.tenantId, nowMs),
    subjectId: id,
    partId: requester.accountId,
    accountId: requester.accountId,
    content: JSON.stringify({
      ...beginningOf(dispute, 'requester', end, nowMs),
      costMicrocents: String(costMicrocents),
      refundedMicrocents: String(end.refundedMicrocents),
    }),
  };
  const theirs = parts.map(
    ({ share, earningsMicrocents, feeMicrocents }): Receipt => ({
      record: recordOf(dispute, share.tenantId, nowMs),
      subjectId: id,
      partId: share.providerId,
      accountId: null,
      content: JSON.stringify({
        ...beginningOf(dispute, 'provider', end, nowMs),
        provider: share.providerId,
        costMicrocents: String(share.costMicrocents),
        refundedMicrocents: String(earningsMicrocents + feeMicrocents),
        refundedEarningsMicrocents: String(earningsMicrocents),
      }),
    }),
  );
  return [ours, ...theirs].map((receipt) => businessRow(keptReceipts, receipt));
}

function beginningOf(
  { id, transactionId, model }: StoredDispute,
  side: 'requester' | 'provider',
  { rule, reason }: DisputeEnd,
  nowMs: number,
) {
  return {
    receipt: 'yggdrasil refund 1',
    side,
    dispute: id,
    request: transactionId,
    model,
    rule,
    reason,
    decidedAt: new Date(nowMs).toISOString(),
  };
}

function recordOf(
  { id, transactionId }: StoredDispute,
  tenantId: Receipt['record']['tenantId'],
  atMs: number,
): Receipt['record'] {
  return {
    tenantId,
    atMs,
    principal: null,
    operation: 'marketplace.disputes.refund',
    class: 'money',
    outcome: 'done',
    objects: [id, transactionId],
    reason: null,
    leftOut: 0,
  };
}
