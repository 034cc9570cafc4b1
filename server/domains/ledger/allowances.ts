import type { Actor } from '../../kernel/actor.ts';
import type { Clock } from '../../kernel/clock.ts';
import { AppError, notFound } from '../../kernel/errors.ts';
import { requireIdempotencyKey } from '../../kernel/idempotency-key.ts';
import type { AccountId } from '../../kernel/ids.ts';
import type { Microcents } from '../../kernel/money.ts';
import { requirePermission } from '../../kernel/permission.ts';
import { transferIdFor } from './accounts.ts';
import { grantedAllowances } from './allowances.postgres.ts';
import { ALLOWANCE_LIFE_MS_MAX, ALLOWANCE_TOKENS_MAX, ENDED_ALLOWANCES_PAGE } from './limits.ts';
import type { LedgerStore, TenantDirectory } from './ports.ts';
import { businessRow } from './row-writer.postgres.ts';
import { type LedgerService, refusalError } from './service.ts';
import type { Allowance } from './types.ts';

/** What the allowances' service needs. */
export interface AllowanceDependencies {
  readonly ledger: Pick<LedgerService, 'commit'>;
  readonly store: Pick<LedgerStore, 'readAllowances' | 'findEndedAllowances'>;
  readonly tenants: TenantDirectory;
  readonly clock: Pick<Clock, 'nowMs'>;
}

/** Settings of allowances. */
export interface AllowanceOptions {
  /** Micro-cents for 1000 tokens that tokens of new allowances are worth. */
  readonly referenceMicrocents: Microcents;
}

/** What an operator grants. */
export interface GrantInput {
  readonly accountId: AccountId;
  readonly tokens: bigint;
  readonly endsAtMs: number;
  readonly idempotencyKey: string | null;
}

/** Computing time in tokens at a price of reference, which pays for requests before the balance does. */
export interface AllowanceService {
  /**
   * Grants a user's tenant tokens until a time. Operators only. Refuses with `idempotency_key_required`, `user_not_found`,
   * `amount_out_of_range` (tokens, or a time that is over or two years away), and `idempotency_key_reused`.
   */
  grant(actor: Actor, input: GrantInput): Promise<Omit<Allowance, 'tokensLeft'>>;
  /** The allowances of the actor's tenant, the last to end first. */
  list(actor: Actor): Promise<readonly Allowance[]>;
  /** Takes back what is left of allowances that have ended; returns of how many tenants. For a job. */
  endDue(): Promise<number>;
}

/** Makes the allowances' service. */
export function createAllowanceService(
  { referenceMicrocents }: AllowanceOptions,
  { ledger, store, tenants, clock }: AllowanceDependencies,
): AllowanceService {
  let rounds = 0;
  return {
    async grant(actor, { accountId, tokens, endsAtMs, idempotencyKey }) {
      const operator = requirePermission(actor, 'platform.operate');
      if (idempotencyKey === null)
        throw new AppError('invalid', 'idempotency_key_required', 'The Idempotency-Key header is required.');
      const nowMs = clock.nowMs();
      requireRange(tokens, endsAtMs, nowMs);
      const tenantId = await tenants.findTenantOfAccount(accountId);
      if (tenantId === null) throw notFound('user');
      const id = transferIdFor('allowance', operator.accountId, requireIdempotencyKey(idempotencyKey));
      const amountMicrocents = (tokens * referenceMicrocents + 999n) / 1_000n;
      const granted = { id, tokens, referenceMicrocents, grantedAtMs: nowMs, endsAtMs };
      const outcome = await ledger.commit({
        tenantId,
        commands: [{ kind: 'allowance_grant', id, owner: { tenantId }, amountMicrocents, endsAtMs }],
        rows: [businessRow(grantedAllowances, { ...granted, tenantId, amountMicrocents })],
      });
      if (!outcome.ok) throw refusalError(outcome.reason);
      const grantedAtMs = outcome.results[0]?.transfer.createdAtMs ?? nowMs;
      return { ...granted, grantedAtMs };
    },

    list: async (actor) => store.readAllowances(requirePermission(actor, 'money.read'), clock.nowMs()),

    async endDue() {
      const nowMs = clock.nowMs();
      let ended = 0;
      for (const owner of await store.findEndedAllowances(nowMs, ENDED_ALLOWANCES_PAGE)) {
        const id = transferIdFor('allowance_end', owner.tenantId, String(nowMs), String(rounds++));
        const { tenantId } = owner;
        const outcome = await ledger.commit({
          tenantId,
          commands: [{ kind: 'allowance_end', id, owner }],
          rows: [],
        });
        if (outcome.ok) ended++;
      }
      return ended;
    },
  };
}

function requireRange(tokens: bigint, endsAtMs: number, nowMs: number): void {
  const isInRange =
    tokens >= 1n &&
    tokens <= ALLOWANCE_TOKENS_MAX &&
    endsAtMs > nowMs &&
    endsAtMs <= nowMs + ALLOWANCE_LIFE_MS_MAX;
  if (!isInRange)
    throw new AppError(
      'invalid',
      'amount_out_of_range',
      'An allowance has 1 to 10^12 tokens, and ends within two years from now.',
    );
}
