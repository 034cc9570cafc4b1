import type { Actor } from '../../kernel/actor.ts';
import { AppError, InvariantError, notFound } from '../../kernel/errors.ts';
import { idempotencyKeyReused, requireIdempotencyKey } from '../../kernel/idempotency-key.ts';
import type { AccountId, TransactionId, TransferId } from '../../kernel/ids.ts';
import type { Cents } from '../../kernel/money.ts';
import { requirePermission } from '../../kernel/permission.ts';
import { transferIdFor } from './accounts.ts';
import { EXPIRED_HOLDS_PER_ROUND, STATEMENT_ENTRIES_MAX } from './limits.ts';
import type { LedgerStore, TenantDirectory } from './ports.ts';
import type {
  Balance,
  LedgerCommand,
  LedgerOutcome,
  LedgerOwner,
  LedgerRefusal,
  StatementPage,
  Transfer,
  TrialBalance,
} from './types.ts';

/** What the ledger service needs. */
export interface LedgerDependencies {
  readonly writer: { submit(command: LedgerCommand): Promise<LedgerOutcome> };
  readonly store: Omit<LedgerStore, 'apply'>;
  readonly tenants: TenantDirectory;
  readonly clock: { nowMs(): number };
}

/** A top-up as it was carried out. */
export interface TopUp {
  readonly transferId: TransferId;
  readonly accountId: AccountId;
  readonly amountCents: Cents;
  readonly createdAtMs: number;
  readonly replayed: boolean;
}

/** The ledger as the rest of the server sees it. */
export type LedgerService = ReturnType<typeof createLedgerService>;

/** Makes the ledger's service. */
export function createLedgerService(dependencies: LedgerDependencies) {
  const { writer, store, tenants, clock } = dependencies;
  return {
    /**
     * Gives a user money from outside. Operators only. `idempotencyKey` null: `idempotency_key_required`. The
     * same key with the same parameters gives the first answer again, with others `idempotency_key_reused`.
     */
    async topUp(
      actor: Actor,
      input: { accountId: AccountId; amountCents: Cents; idempotencyKey: string | null },
    ): Promise<TopUp> {
      const operator = requirePermission(actor, 'platform.operate');
      const { accountId, amountCents, idempotencyKey } = input;
      if (idempotencyKey === null) {
        throw new AppError('invalid', 'idempotency_key_required', 'The Idempotency-Key header is required.');
      }
      const tenantId = await tenants.findTenantOfAccount(accountId);
      if (tenantId === null) throw notFound('user');
      const id = transferIdFor('top_up', operator.accountId, requireIdempotencyKey(idempotencyKey));
      const outcome = await writer.submit({ kind: 'top_up', id, owner: { tenantId }, amountCents });
      if (!outcome.ok) throw refusalError(outcome.reason);
      const { transfer, replayed } = outcome;
      return { transferId: id, accountId, amountCents, createdAtMs: transfer.createdAtMs, replayed };
    },

    /** What the actor's tenant has, available and held. A device may not ask. */
    async balance(actor: Actor): Promise<Balance> {
      return store.readBalance(ownerOf(actor));
    },

    /** The tenant's entries, newest first, `limit` (1..100) below sequence `before`. */
    async statement(actor: Actor, page: { before: bigint | null; limit: number }): Promise<StatementPage> {
      const limit = Math.min(Math.max(page.limit, 1), STATEMENT_ENTRIES_MAX);
      return store.readStatement(ownerOf(actor), page.before, limit);
    },

    /** Proof that the books are in order; reads the whole ledger. Operators only. */
    async trialBalance(actor: Actor): Promise<TrialBalance> {
      requirePermission(actor, 'platform.operate');
      return store.readTrialBalance();
    },

    /**
     * Sets `amountCents` of the actor's available money aside. Refused: `insufficient_balance`, `amount_out_of_range`.
     * The same `holdId` again gives the first answer.
     */
    async hold(
      actor: Actor,
      input: { holdId: TransferId; amountCents: Cents; expiresAfterMs: number; transactionId: TransactionId },
    ): Promise<HoldResult> {
      const { holdId: id, ...rest } = input;
      const outcome = await writer.submit({ kind: 'hold', id, owner: ownerOf(actor), ...rest });
      if (outcome.ok) return { ok: true, transfer: outcome.transfer };
      if (outcome.reason === 'insufficient_balance' || outcome.reason === 'amount_out_of_range') {
        return { ok: false, reason: outcome.reason };
      }
      throw new InvariantError(`a hold was refused: ${outcome.reason}`);
    },

    /**
     * Pays provider and fee out of a hold and releases the rest. For the server's own settlement, which checked who
     * asks. Refused: `hold_resolved` when the hold was voided or expired; the same settlement again is a success.
     */
    async post(input: {
      holdId: TransferId;
      provider: LedgerOwner;
      earningsCents: Cents;
      feeCents: Cents;
    }): Promise<ResolveResult> {
      const id = transferIdFor('post', input.holdId);
      return resolved(await writer.submit({ kind: 'post', id, ...input }));
    },

    /** Releases a hold. For the server's own settlement. Refused: `hold_resolved` when it was posted or expired. */
    async void(holdId: TransferId): Promise<ResolveResult> {
      const id = transferIdFor('void', holdId);
      return resolved(await writer.submit({ kind: 'void', id, holdId }));
    },

    /** Releases every hold whose time is over; returns how many. A hold that someone resolved meanwhile is left. */
    async expireHolds(): Promise<number> {
      let expired = 0;
      for (;;) {
        const holds = await store.findExpiredHolds(clock.nowMs(), EXPIRED_HOLDS_PER_ROUND);
        const outcomes = await Promise.all(
          holds.map(({ holdId }) =>
            writer.submit({ kind: 'expire', id: transferIdFor('expire', holdId), holdId }),
          ),
        );
        const done = outcomes.filter((outcome) => outcome.ok).length;
        expired += done;
        if (holds.length < EXPIRED_HOLDS_PER_ROUND || done === 0) return expired;
      }
    },
  };
}

/** The answer to a hold. */
export type HoldResult =
  | { readonly ok: true; readonly transfer: Transfer }
  | { readonly ok: false; readonly reason: 'insufficient_balance' | 'amount_out_of_range' };

/** The answer to a post or a void. */
export type ResolveResult =
  | { readonly ok: true; readonly transfer: Transfer }
  | { readonly ok: false; readonly reason: 'hold_resolved' | 'hold_not_found' };

function resolved(outcome: LedgerOutcome): ResolveResult {
  if (outcome.ok) return { ok: true, transfer: outcome.transfer };
  if (outcome.reason === 'hold_resolved' || outcome.reason === 'hold_not_found') {
    return { ok: false, reason: outcome.reason };
  }
  throw new InvariantError(`a hold's resolution was refused: ${outcome.reason}`);
}

function ownerOf(actor: Actor): LedgerOwner {
  return { tenantId: requirePermission(actor, 'money.read').tenantId };
}

/** A refusal as the error that a border shows. */
export function refusalError(reason: LedgerRefusal): AppError {
  switch (reason) {
    case 'amount_out_of_range':
      return new AppError('invalid', 'amount_out_of_range', 'The amount is out of range.');
    case 'insufficient_balance':
      return new AppError('payment_required', 'insufficient_balance', 'The available balance is too low.');
    case 'hold_not_found':
      return new AppError('not_found', 'hold_not_found', 'Hold not found.');
    case 'hold_resolved':
    case 'hold_not_expired':
      return new AppError('conflict', 'hold_resolved', 'The hold can not be resolved this way any more.');
    case 'idempotency_key_reused':
      return idempotencyKeyReused();
  }
}
