import { keptReceipts, type Receipt, writtenSignature } from '../audit/index.ts';
import { type BusinessRow, businessRow } from '../ledger/index.ts';
import type { EndedTransaction, TransactionShare } from '../transactions/index.ts';

/**
 * What a request was, for who asked and for each provider that has delivered or is paid: who ordered what at which price, what was
 * delivered, and what it cost. Neither side's receipt names the other's tenant, account or device. `docs/receipts.md` says what each
 * field is. Who got nothing for nothing has none: requests that are cancelled cost nobody anything, and a receipt stands in the log
 * of its side, where each takes the room of an older record.
 */
export function receiptRows(ended: EndedTransaction): BusinessRow[] {
  const worked = ended.shares.filter(
    ({ answerHash, costMicrocents }) => answerHash !== null || costMicrocents > 0n,
  );
  return [requestersReceipt(ended), ...worked.map((share) => providersReceipt(ended, share))].map((receipt) =>
    businessRow(keptReceipts, receipt),
  );
}

function requestersReceipt(ended: EndedTransaction): Receipt {
  const { requester, shares } = ended;
  const content = {
    ...beginningOf(ended, 'requester'),
    delivered: shares.map(deliveryOf),
    costMicrocents: String(shares.reduce((sum, { costMicrocents }) => sum + costMicrocents, 0n)),
    allowanceMicrocents: String(ended.allowanceMicrocents),
  };
  return {
    record: recordOf(ended, requester.tenantId, `account:${requester.accountId}`),
    subjectId: ended.id,
    partId: requester.accountId,
    accountId: requester.accountId,
    content: JSON.stringify(content),
  };
}

function providersReceipt(ended: EndedTransaction, share: TransactionShare): Receipt {
  const { provider, costMicrocents, feeMicrocents, earningsMicrocents, signature } = share;
  const content = {
    ...beginningOf(ended, 'provider'),
    delivered: [deliveryOf(share)],
    costMicrocents: String(costMicrocents),
    feeMicrocents: String(feeMicrocents),
    earningsMicrocents: String(earningsMicrocents),
    signed: signature === null ? null : writtenSignature(signature),
  };
  return {
    record: recordOf(ended, provider.tenantId, `device:${provider.deviceId}`),
    subjectId: ended.id,
    partId: provider.providerId,
    accountId: null,
    content: JSON.stringify(content),
  };
}

function beginningOf(ended: EndedTransaction, side: 'requester' | 'provider') {
  const { id, model, state, finishReason, failureCode, createdAtMs, finishedAtMs, ...asked } = ended;
  return {
    receipt: 'yggdrasil receipt 1',
    side,
    request: id,
    model,
    state,
    finishReason,
    failureCode,
    orderedAt: new Date(createdAtMs).toISOString(),
    endedAt: new Date(finishedAtMs).toISOString(),
    orderHash: asked.orderHash,
    promptTokens: asked.promptTokens,
    tokenizer: asked.tokenizer ?? 'o200k_base',
    estimated: asked.tokenizer === null,
  };
}

function deliveryOf({ provider, prices, answerHash, ...share }: TransactionShare) {
  return {
    provider: provider.providerId,
    answerHash,
    completionTokens: share.completionTokens,
    billedTokens: share.billedTokens,
    microcentsPer1000Tokens: {
      prompt: String(prices.prompt),
      cachedPrompt: String(prices.cachedPrompt),
      completion: String(prices.completion),
    },
    costMicrocents: String(share.costMicrocents),
  };
}

function recordOf(
  { id, failureCode, finishedAtMs }: EndedTransaction,
  tenantId: Receipt['record']['tenantId'],
  principal: string,
): Receipt['record'] {
  return {
    tenantId,
    atMs: finishedAtMs,
    principal,
    operation: 'marketplace.requests.end',
    class: 'money',
    outcome: failureCode ?? 'done',
    objects: [id],
    reason: null,
    leftOut: 0,
  };
}
