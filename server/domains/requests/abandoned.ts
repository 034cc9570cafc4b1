import type { Clock } from '../../kernel/clock.ts';
import type { TransactionId, TransferId } from '../../kernel/ids.ts';
import type { Logger } from '../../kernel/logger.ts';
import type { ListPosition } from '../../kernel/page.ts';
import { transferIdFor } from '../ledger/index.ts';
import type { OpenTransaction, TransactionStore } from '../transactions/index.ts';
import { OPEN_TRANSACTIONS_PAGE } from './limits.ts';
import type { RequestLedger } from './ports.ts';
import { abandonedEnd, holdGoneUnit, unpaidUnit } from './units.ts';

/** What ending abandoned transactions needs. */
export interface AbandonedDependencies {
  readonly ledger: RequestLedger;
  readonly transactions: Pick<TransactionStore, 'findOpen'>;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Ends transactions that nobody works on any more as FAILED and gives their holds back, each in one step. One that can't be
 * ended now is left to the next round and keeps nothing else waiting. Returns how many were ended.
 */
export async function endAbandoned(
  which: { readonly nodeId: string | null; readonly createdBeforeMs: number },
  dependencies: AbandonedDependencies,
): Promise<number> {
  const { transactions } = dependencies;
  let ended = 0;
  let after: ListPosition<TransactionId> | null = null;
  for (;;) {
    const page: readonly OpenTransaction[] = await transactions.findOpen(
      which,
      after,
      OPEN_TRANSACTIONS_PAGE,
    );
    const results = await Promise.all(page.map((open) => endOne(open, dependencies)));
    ended += results.filter((done) => done).length;
    after = page.at(-1) ?? null;
    if (page.length < OPEN_TRANSACTIONS_PAGE) return ended;
  }
}

async function endOne(
  open: OpenTransaction,
  { ledger, clock, logger }: AbandonedDependencies,
): Promise<boolean> {
  const fields = { operation: 'marketplace.requests.endAbandoned', transactionId: open.id };
  try {
    const { holdId } = open;
    const unit = unpaidUnit(holdId, abandonedEnd(open, 'unavailable', clock.nowMs()));
    // Under an id of its own, so that the request's own end and this one can't both take place.
    const commands = [{ kind: 'void', id: abandonedVoidId(holdId), holdId }] as const;
    const outcome = await ledger.commit({ ...unit, commands });
    if (!outcome.ok) await ledger.commit(holdGoneUnit(abandonedEnd(open, 'hold_resolved', clock.nowMs())));
    logger.info(fields, 'an abandoned transaction was ended');
    return true;
  } catch (error) {
    logger.error({ ...fields, error }, 'an abandoned transaction could not be ended and will be tried again');
    return false;
  }
}

function abandonedVoidId(holdId: TransferId): TransferId {
  return transferIdFor('void', holdId, 'abandoned');
}
