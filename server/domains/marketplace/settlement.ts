import type { Clock } from '../../kernel/clock.ts';
import type { TransactionId, TransferId } from '../../kernel/ids.ts';
import type { Logger } from '../../kernel/logger.ts';
import { centsToMicrocents } from '../../kernel/money.ts';
import type { SecretBox } from '../../kernel/secret-box.ts';
import type { LedgerService } from '../ledger/index.ts';
import type { PricingService } from '../pricing/index.ts';
import { sealAnswer } from './keyed-requests.ts';
import { CLAIM_RATIO_MAX, CLAIM_TOKENS_MIN, INTERRUPTED_PAGE, type MarketplaceTimes } from './limits.ts';
import type { MarketplaceStore } from './ports.ts';
import type {
  FailureCode,
  FinishReason,
  InterruptedTransaction,
  OpenTransaction,
  Settlement,
  TransactionCursor,
} from './types.ts';

/** The part of the ledger that settlements use. */
export type SettlementLedger = Pick<LedgerService, 'post' | 'void'>;

/** What settlements need. */
export interface SettlementDependencies {
  readonly ledger: SettlementLedger;
  readonly pricing: PricingService;
  readonly store: MarketplaceStore;
  /** Seals answers that are kept. */
  readonly secretBox: SecretBox;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** What of an answer came, and its tokens as both sides count them. A claim that is null was never made. */
export interface Delivered {
  readonly text: string;
  readonly completionTokens: number;
  readonly claim: { readonly promptTokens: number; readonly completionTokens: number } | null;
}

/** What became of a settlement. */
export type SettlementOutcome =
  | { readonly kind: 'settled'; readonly settlement: Settlement }
  | { readonly kind: 'unpaid' }
  | { readonly kind: 'unknown' };

/** How settlements are made. */
export type Settlements = ReturnType<typeof createSettlements>;

/** Makes the part that pays, and that finishes what a crash interrupted. */
export function createSettlements(
  options: { readonly nodeId: string; readonly times: MarketplaceTimes },
  dependencies: SettlementDependencies,
) {
  const { ledger, pricing, store, secretBox, clock, logger } = dependencies;

  /** Pays as decided, then ends the transaction. Safe to repeat at any point. False: its hold was gone, nobody is paid. */
  const carryOut = async (
    transaction: InterruptedTransaction['transaction'],
    settlement: Settlement,
  ): Promise<boolean> => {
    const { id, holdId, providerOwner } = transaction;
    if (holdId !== null) {
      const { costCents, earningsCents, feeCents } = settlement;
      const resolved =
        costCents === 0n
          ? await ledger.void(holdId)
          : await ledger.post({
              holdId,
              payees: [{ owner: providerOwner, amountMicrocents: centsToMicrocents(earningsCents) }],
              feeMicrocents: centsToMicrocents(feeCents),
            });
      if (!resolved.ok) {
        logger.error(
          { operation: 'marketplace.settle', code: resolved.reason, transactionId: id },
          'a hold is gone',
        );
        await store.finishUnpaid(id, 'FAILED', 'hold_resolved', clock.nowMs());
        return false;
      }
    }
    const totals = await store.finishSettled(id, clock.nowMs());
    if (totals === null || totals.countedTokens < CLAIM_TOKENS_MIN) return true;
    const ratio = Number(totals.claimedTokens) / Number(totals.countedTokens);
    if (ratio > CLAIM_RATIO_MAX) {
      logger.warn(
        { operation: 'marketplace.settle', providerId: totals.providerId, ratio },
        'claims too many tokens',
      );
    }
    return true;
  };

  /** Asks once more where the commit wasn't heard of. */
  const decide = async (id: TransactionId, settlement: Settlement, answer: Uint8Array | null) => {
    const write = () => store.writeIntent(id, settlement, answer, clock.nowMs());
    return write().catch(write);
  };

  /** Ends a transaction for which nothing is paid, if it is kept already, and gives back its holds. Repeating changes nothing. */
  const release = async (
    id: TransactionId,
    holdIds: readonly TransferId[],
    code: FailureCode,
  ): Promise<void> => {
    for (const holdId of holdIds) await ledger.void(holdId);
    const state = code === 'request_cancelled' ? 'CANCELLED' : 'FAILED';
    await store.finishUnpaid(id, state, code, clock.nowMs());
  };

  /** Ends what was interrupted, as it was decided. False: not now. */
  const finish = async ({ transaction, settlement }: InterruptedTransaction): Promise<boolean> => {
    const fields = { operation: 'marketplace.recover', transactionId: transaction.id };
    try {
      if (settlement !== null) await carryOut(transaction, settlement);
      else await release(transaction.id, holdIdsOf(transaction), 'unavailable');
      logger.info(fields, 'a transaction was finished');
      return true;
    } catch (cause) {
      logger.error({ ...fields, cause }, 'a transaction could not be finished and will be tried again');
      return false;
    }
  };

  return {
    /**
     * Pays for what was delivered: the smaller of the server's count and the provider's claim, prompt and answer each.
     * With it a whole answer is kept under the request's idempotency key, if it has one. `finishReason` null: its
     * requester left. Once it is decided it is settled: what can't be carried out now, recovery does. `unpaid`: the
     * transaction had ended, or its hold was gone. `unknown`: the database didn't say whether it is decided.
     */
    async settle(
      transaction: OpenTransaction,
      delivered: Delivered,
      finishReason: FinishReason | null,
    ): Promise<SettlementOutcome> {
      const { id, promptTokens, completionTokensMax, priceCentsPer1000Tokens, isKeyed } = transaction;
      const { text, claim } = delivered;
      const completionTokens = Math.min(delivered.completionTokens, completionTokensMax);
      const billedTokens =
        claim === null
          ? promptTokens + completionTokens
          : Math.min(promptTokens, claim.promptTokens) + Math.min(completionTokens, claim.completionTokens);
      const settlement: Settlement = {
        state: finishReason === null ? 'CANCELLED' : 'COMPLETED',
        completionTokens,
        billedTokens,
        ...pricing.price(billedTokens, priceCentsPer1000Tokens),
        finishReason,
        failureCode: finishReason === null ? 'request_cancelled' : null,
        claimedTokens: claim === null ? 0 : claim.promptTokens + claim.completionTokens,
        countedTokens: claim === null ? 0 : promptTokens + delivered.completionTokens,
      };
      const answer = isKeyed && finishReason !== null ? sealAnswer(secretBox, id, text) : null;
      const fields = { operation: 'marketplace.settle', transactionId: id };
      try {
        if (!(await decide(id, settlement, answer))) return { kind: 'unpaid' };
      } catch (cause) {
        logger.error({ ...fields, cause }, 'whether a settlement is decided is not known; recovery will see');
        return { kind: 'unknown' };
      }
      try {
        if (!(await carryOut(transaction, settlement))) return { kind: 'unpaid' };
      } catch (cause) {
        logger.error({ ...fields, cause }, 'a settlement could not be carried out; recovery will');
      }
      return { kind: 'settled', settlement };
    },

    release,

    /**
     * Finishes what was interrupted: decided settlements are carried out, the rest is released. `atStart`: this node's
     * own transactions are from a life before and all count; later only what is too old for anybody to work on. One that
     * can't be finished now is left to the next time and keeps nothing else waiting. Returns how many were finished.
     */
    async recover(atStart: boolean): Promise<number> {
      const nowMs = clock.nowMs();
      const { settlementGraceMs, holdLifeMs } = options.times;
      const which = {
        nodeId: atStart ? options.nodeId : null,
        intentBeforeMs: nowMs - settlementGraceMs,
        createdBeforeMs: nowMs - holdLifeMs,
      };
      let finished = 0;
      let after: TransactionCursor | null = null;
      for (;;) {
        const page = await store.findInterrupted(which, after, INTERRUPTED_PAGE);
        for (const interrupted of page) if (await finish(interrupted)) finished++;
        after = page.at(-1)?.transaction ?? null;
        if (page.length < INTERRUPTED_PAGE) return finished;
      }
    },
  };
}

/** The hold of a transaction, if it has one. */
export function holdIdsOf({ holdId }: Pick<OpenTransaction, 'holdId'>): readonly TransferId[] {
  return holdId === null ? [] : [holdId];
}
