import type { Actor } from '../../kernel/actor.ts';
import { AppError, InvariantError, notFound } from '../../kernel/errors.ts';
import { idempotencyKeyReused, requireIdempotencyKey } from '../../kernel/idempotency-key.ts';
import type { AccountId, LedgerAccountId, TenantId, TransferId } from '../../kernel/ids.ts';
import type { Microcents } from '../../kernel/money.ts';
import { requirePermission } from '../../kernel/permission.ts';
import { transferIdFor } from './accounts.ts';
import { EXPIRED_HOLDS_PAGE, RELEASED_TENANTS_PAGE, STATEMENT_ENTRIES_MAX } from './limits.ts';
import type { LedgerStore, TenantDirectory } from './ports.ts';
import type {
  Balance,
  LedgerCommand,
  LedgerRefusal,
  StatementCursor,
  StatementPage,
  Transfer,
  TrialBalance,
  UnitOfWork,
  UnitOutcome,
  VerificationRound,
} from './types.ts';

/** What the ledger service needs. */
export interface LedgerDependencies {
  readonly writer: { submit(unit: UnitOfWork): Promise<UnitOutcome> };
  readonly store: Omit<LedgerStore, 'apply'>;
  readonly tenants: TenantDirectory;
  readonly clock: { nowMs(): number };
}

/** A top-up as it was carried out. */
export interface TopUp {
  readonly transferId: TransferId;
  readonly accountId: AccountId;
  readonly amountMicrocents: Microcents;
  readonly createdAtMs: number;
  readonly replayed: boolean;
}

/** The ledger as the rest of the server sees it. */
export interface LedgerService {
  /**
   * Commits one step of business: the commands and rows of `unit` in one transaction, all or none; resolves after the
   * commit. A refused command comes back as `{ ok: false }`. For the server itself, which checked who asks. Rejects with
   * `unavailable` when the database didn't take it or didn't confirm it: the same unit may then be given again.
   */
  commit(unit: UnitOfWork): Promise<UnitOutcome>;

  /**
   * Gives a user's tenant money from outside. Operators only. `idempotencyKey` null: `idempotency_key_required`. The
   * same key with the same parameters gives the first answer again, with others `idempotency_key_reused`.
   */
  topUp(
    actor: Actor,
    input: { accountId: AccountId; amountMicrocents: Microcents; idempotencyKey: string | null },
  ): Promise<TopUp>;

  /** What the actor's tenant has and owes. A device may not ask. */
  balance(actor: Actor): Promise<Balance>;

  /** True: the tenant has something to pay with, a balance or an allowance. For the server itself, which checked who asks. */
  hasMoney(tenantId: TenantId): Promise<boolean>;

  /** The tenant's entries, newest first, `limit` (1..100) below the positions of `before`. */
  statement(actor: Actor, page: { before: StatementCursor | null; limit: number }): Promise<StatementPage>;

  /** Proof that the books are in order; reads the whole ledger. Operators only. */
  trialBalance(actor: Actor): Promise<TrialBalance>;

  /** Releases every hold whose time is over; returns how many. A hold that someone resolved meanwhile is left. */
  expireHolds(): Promise<number>;

  /** Makes earnings available whose release time is over; returns of how many tenants. */
  releaseEarnings(): Promise<number>;

  /** Verifies the accounts behind `after` (null: from the first one), reading only what is new in them. */
  verify(after: LedgerAccountId | null): Promise<VerificationRound>;
}

/** Makes the ledger's service. */
export function createLedgerService(dependencies: LedgerDependencies): LedgerService {
  const { writer, store, tenants } = dependencies;
  const commitOne = async (command: LedgerCommand): Promise<SingleOutcome> => {
    const outcome = await writer.submit({ ...lineOf(command), commands: [command], rows: [] });
    if (!outcome.ok) return outcome;
    const [result] = outcome.results;
    if (result === undefined) throw new InvariantError('a command has no result');
    return { ok: true, ...result };
  };

  return {
    commit: (unit) => writer.submit(unit),

    async topUp(actor, input) {
      const operator = requirePermission(actor, 'platform.operate');
      const { accountId, amountMicrocents, idempotencyKey } = input;
      if (idempotencyKey === null) {
        throw new AppError('invalid', 'idempotency_key_required', 'The Idempotency-Key header is required.');
      }
      const tenantId = await tenants.findTenantOfAccount(accountId);
      if (tenantId === null) throw notFound('user');
      const id = transferIdFor('top_up', operator.accountId, requireIdempotencyKey(idempotencyKey));
      const command = {
        kind: 'top_up',
        id,
        owner: { tenantId },
        amountMicrocents,
        clearing: 'manual',
      } as const;
      const outcome = await commitOne(command);
      if (!outcome.ok) throw refusalError(outcome.reason);
      const { transfer, replayed } = outcome;
      return { transferId: id, accountId, amountMicrocents, createdAtMs: transfer.createdAtMs, replayed };
    },

    balance: async (actor) => store.readBalance(requirePermission(actor, 'money.read')),

    hasMoney: async (tenantId) => (await store.readSpendable({ tenantId })) > 0n,

    async statement(actor, page) {
      const limit = Math.min(Math.max(page.limit, 1), STATEMENT_ENTRIES_MAX);
      return store.readStatement(requirePermission(actor, 'money.read'), page.before, limit);
    },

    async trialBalance(actor) {
      requirePermission(actor, 'platform.operate');
      return store.readTrialBalance();
    },

    ...createDueWork(commitOne, dependencies),

    verify: (after) => store.verify(after),
  };
}

/** What becomes due by time: the ends of holds and the release of earnings. */
function createDueWork(
  commitOne: (command: LedgerCommand) => Promise<SingleOutcome>,
  { store, clock }: Pick<LedgerDependencies, 'store' | 'clock'>,
): Pick<LedgerService, 'expireHolds' | 'releaseEarnings'> {
  return {
    async expireHolds() {
      return inPages(
        EXPIRED_HOLDS_PAGE,
        (limit) => store.findExpiredHolds(clock.nowMs(), limit),
        ({ holdId }) => commitOne({ kind: 'expire', id: transferIdFor('expire', holdId), holdId }),
      );
    },

    async releaseEarnings() {
      const nowMs = clock.nowMs();
      let round = 0;
      return inPages(
        RELEASED_TENANTS_PAGE,
        (limit) => store.findDueEarners(nowMs, limit),
        (owner) => {
          const id = transferIdFor('release_earnings', owner.tenantId, String(nowMs), String(round++));
          return commitOne({ kind: 'release_earnings', id, owner });
        },
      );
    },
  };
}

type SingleOutcome =
  | { readonly ok: true; readonly transfer: Transfer; readonly replayed: boolean }
  | { readonly ok: false; readonly reason: LedgerRefusal };

/** Works on page after page of what is due, until the last page, or one of which nothing could be done. */
async function inPages<Item>(
  pageItems: number,
  find: (limit: number) => Promise<readonly Item[]>,
  work: (item: Item) => Promise<{ readonly ok: boolean }>,
): Promise<number> {
  let total = 0;
  for (;;) {
    const items = await find(pageItems);
    const outcomes = await Promise.all(items.map(work));
    const done = outcomes.filter(({ ok }) => ok).length;
    total += done;
    if (done === 0 || items.length < pageItems) return total;
  }
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
    case 'nothing_to_release':
      throw new InvariantError('only a job releases earnings');
    case 'spending_limit_reached':
    case 'spend_quota_day':
    case 'spend_quota_month':
    case 'spend_quota_held':
      throw new InvariantError('only requests have a spending limit');
    case 'earnings_released':
    case 'dispute_decided':
      throw new InvariantError('only disputes take money back');
    case 'idempotency_key_reused':
      return idempotencyKeyReused();
  }
}

/** Whose line a command waits in: its owner's, where it names one. */
function lineOf(command: LedgerCommand): Pick<UnitOfWork, 'tenantId'> {
  return 'owner' in command ? { tenantId: command.owner.tenantId } : {};
}
