import type { Sql } from '../../kernel/database.ts';
import type { TenantId, TransferId } from '../../kernel/ids.ts';
import type { Microcents } from '../../kernel/money.ts';
import { ALLOWANCES_SHOWN_MAX } from './limits.ts';
import { json } from './rows.postgres.ts';
import type { Allowance, LedgerOwner } from './types.ts';

/** An allowance that is granted by the transfer of this id. */
export interface GrantedAllowance
  extends Pick<Allowance, 'id' | 'tokens' | 'referenceMicrocents' | 'endsAtMs' | 'grantedAtMs'> {
  readonly tenantId: TenantId;
  readonly amountMicrocents: Microcents;
}

/** Writes what was granted, in the transaction of the grant. One that is there stays: its transfer was given again. */
export const grantedAllowances = {
  name: 'ledger_allowances',
  async write(sql: Sql, granted: readonly GrantedAllowance[]): Promise<void> {
    const rows = granted.map(({ endsAtMs, grantedAtMs, ...row }) => ({
      ...row,
      endsAt: new Date(endsAtMs),
      grantedAt: new Date(grantedAtMs),
    }));
    await sql`
      INSERT INTO ledger_allowances (id, tenant_id, tokens, microcents_per_1000_tokens, amount_microcents, granted_at, ends_at)
      SELECT id, "tenantId", tokens, "referenceMicrocents", "amountMicrocents", "grantedAt", "endsAt"
      FROM jsonb_to_recordset(${json(rows)}::text::jsonb) AS row(id uuid, "tenantId" uuid, tokens bigint,
        "referenceMicrocents" bigint, "amountMicrocents" bigint, "grantedAt" timestamptz, "endsAt" timestamptz)
      ON CONFLICT (id) DO NOTHING`;
  },
};

/** What the allowances that have not ended were granted as, by tenant. */
export async function readRunningAllowances(
  sql: Sql,
  tenantIds: readonly TenantId[],
  nowMs: number,
): Promise<Map<TenantId, Microcents>> {
  if (tenantIds.length === 0) return new Map();
  const rows = await sql<{ tenant_id: TenantId; microcents: bigint }[]>`
    SELECT tenant_id, sum(amount_microcents)::bigint AS microcents FROM ledger_allowances
    WHERE tenant_id = ANY (${[...tenantIds]}::uuid[]) AND ends_at > ${new Date(nowMs)} GROUP BY tenant_id`;
  return new Map(rows.map((row) => [row.tenant_id, row.microcents]));
}

/** Tenants that have more left than the allowances that have not ended. */
export async function findEndedAllowances(sql: Sql, nowMs: number, limit: number): Promise<LedgerOwner[]> {
  const rows = await sql<{ tenant_id: TenantId }[]>`
    SELECT account.tenant_id FROM ledger_accounts account
    WHERE account.kind = 'allowance' AND account.balance_microcents > (
      SELECT coalesce(sum(amount_microcents), 0) FROM ledger_allowances allowance
      WHERE allowance.tenant_id = account.tenant_id AND allowance.ends_at > ${new Date(nowMs)})
    ORDER BY account.id LIMIT ${limit}`;
  return rows.map((row) => ({ tenantId: row.tenant_id }));
}

interface AllowanceRow {
  id: TransferId;
  tokens: bigint;
  microcents_per_1000_tokens: bigint;
  amount_microcents: bigint;
  granted_at: Date;
  ends_at: Date;
}

/** The allowances of `owner`, the last to end first, with what is left of each at `nowMs`. */
export async function readAllowances(sql: Sql, owner: LedgerOwner, nowMs: number): Promise<Allowance[]> {
  const [rows, [account]] = await Promise.all([
    sql<AllowanceRow[]>`
      SELECT id, tokens, microcents_per_1000_tokens, amount_microcents, granted_at, ends_at FROM ledger_allowances
      WHERE tenant_id = ${owner.tenantId} ORDER BY ends_at DESC, id DESC LIMIT ${ALLOWANCES_SHOWN_MAX}`,
    sql<{ balance_microcents: bigint }[]>`
      SELECT balance_microcents FROM ledger_accounts WHERE tenant_id = ${owner.tenantId} AND kind = 'allowance'`,
  ]);
  let left = account?.balance_microcents ?? 0n;
  return rows.map((row) => {
    // What ends first is used first: what is left is of those that end last.
    const isRunning = row.ends_at.getTime() > nowMs;
    const ofThis = !isRunning ? 0n : left < row.amount_microcents ? left : row.amount_microcents;
    left -= ofThis;
    return {
      id: row.id,
      tokens: row.tokens,
      tokensLeft:
        ofThis === row.amount_microcents ? row.tokens : (ofThis * 1_000n) / row.microcents_per_1000_tokens,
      referenceMicrocents: row.microcents_per_1000_tokens,
      grantedAtMs: row.granted_at.getTime(),
      endsAtMs: row.ends_at.getTime(),
    };
  });
}
