import type { Database } from '../../kernel/database.ts';
import type { CheckStore } from './ports.ts';
import type { KeptCheck } from './types.ts';

interface CheckRow {
  provider_id: string;
  tenant_id: string;
  model: string;
  verdict: KeptCheck['verdict'];
  compared_tokens: bigint;
  valid_checks: number;
  checked_at: Date;
  paused_until: Date | null;
}

/** What checks have found, in PostgreSQL: a row for each model of a provider. */
export function createCheckStore(database: Database): CheckStore {
  return {
    load: () =>
      database.system('money', async (sql) => {
        const rows = await sql<CheckRow[]>`SELECT * FROM marketplace_checks`;
        return rows.map((row) => ({
          providerId: row.provider_id,
          tenantId: row.tenant_id,
          model: row.model,
          verdict: row.verdict,
          comparedTokens: Number(row.compared_tokens),
          validChecks: row.valid_checks,
          checkedAtMs: row.checked_at.getTime(),
          pausedUntilMs: row.paused_until?.getTime() ?? null,
        }));
      }),
    save: (check) =>
      database.system('money', async (sql) => {
        const { providerId, tenantId, model, verdict, comparedTokens, validChecks } = check;
        const pausedUntil = check.pausedUntilMs === null ? null : new Date(check.pausedUntilMs);
        await sql`
          INSERT INTO marketplace_checks (provider_id, tenant_id, model, verdict, compared_tokens, valid_checks, checked_at,
            paused_until)
          VALUES (${providerId}, ${tenantId}, ${model}, ${verdict}, ${comparedTokens}, ${validChecks},
            ${new Date(check.checkedAtMs)}, ${pausedUntil})
          ON CONFLICT (provider_id, model) DO UPDATE SET verdict = excluded.verdict,
            compared_tokens = excluded.compared_tokens, valid_checks = excluded.valid_checks,
            checked_at = excluded.checked_at, paused_until = excluded.paused_until`;
      }),
  };
}
