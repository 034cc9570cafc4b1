import type { Database } from '../../kernel/database.ts';
import type { TenantId } from '../../kernel/ids.ts';
import type { Microcents } from '../../kernel/money.ts';
import type { AccountKind } from './types.ts';

/** What all accounts of each kind hold, by their kept balances: cheap beside the trial balance, which proves them. */
export function readTotals(database: Database): Promise<Readonly<Record<AccountKind, Microcents>>> {
  return database.system('money', async (sql) => {
    const rows = await sql<{ kind: AccountKind; total: bigint }[]>`
      SELECT kind, coalesce(sum(balance_microcents), 0)::bigint AS total FROM ledger_accounts GROUP BY kind`;
    const totalOf = (kind: AccountKind): Microcents => rows.find((row) => row.kind === kind)?.total ?? 0n;
    return {
      available: totalOf('available'),
      held: totalOf('held'),
      earnings: totalOf('earnings'),
      receivable: totalOf('receivable'),
      allowance: totalOf('allowance'),
      fee: totalOf('fee'),
      clearing: totalOf('clearing'),
    };
  });
}

/** What a tenant has, available or earned; what it owes; and whether something is set aside for a request that runs. */
export function readTenantMoney(
  database: Database,
  tenantId: TenantId,
): Promise<{
  readonly hasOpenHold: boolean;
  readonly balanceMicrocents: Microcents;
  readonly owedMicrocents: Microcents;
}> {
  return database.system('money', async (sql) => {
    const rows = await sql<{ kind: AccountKind; balance_microcents: bigint }[]>`
      SELECT kind, balance_microcents FROM ledger_accounts WHERE tenant_id = ${tenantId}`;
    const holds = await sql`SELECT 1 FROM ledger_open_holds WHERE tenant_id = ${tenantId} LIMIT 1`;
    const balanceOf = (kind: AccountKind): Microcents =>
      rows.find((row) => row.kind === kind)?.balance_microcents ?? 0n;
    return {
      hasOpenHold: holds.length > 0,
      balanceMicrocents: balanceOf('available') + balanceOf('earnings'),
      owedMicrocents: -balanceOf('receivable'),
    };
  });
}
