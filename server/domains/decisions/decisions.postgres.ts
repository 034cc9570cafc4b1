import type { Sql } from '../../kernel/database.ts';
import type { AccountId } from '../../kernel/ids.ts';
import { DECISIONS_KEPT_MAX } from './limits.ts';
import type { AddedDecision, Decision, Subject } from './types.ts';

interface DecisionRow {
  outcome: string;
  rule: string;
  reason: string;
  decided_by: AccountId | null;
  decided_at: Date;
}

/** The outcomes of a subject are those that its domain wrote. */
const toDecision = <Outcome extends string>(row: DecisionRow): Decision<Outcome> => ({
  outcome: row.outcome as Outcome,
  rule: row.rule,
  reason: row.reason,
  decidedBy: row.decided_by,
  decidedAtMs: row.decided_at.getTime(),
});

const idsOf = ({ kind, id }: Subject) => ({
  providerId: kind === 'registration' ? id : null,
  disputeId: kind === 'dispute' ? id : null,
});

/** Writes decisions, in the transaction of what they change. */
export const addedDecisions = {
  name: 'marketplace_decisions',
  async write(sql: Sql, added: readonly AddedDecision[]): Promise<void> {
    const rows = added.map(({ subject, tenantId, decision, atMs }) => ({
      ...idsOf(subject),
      tenantId,
      ...decision,
      decidedAt: new Date(atMs),
    }));
    const inserted = sql`
      INSERT INTO marketplace_decisions (tenant_id, provider_id, dispute_id, outcome, rule, reason, decided_by, decided_at)
      SELECT "tenantId", "providerId", "disputeId", outcome, rule, reason, "decidedBy", "decidedAt"
      FROM jsonb_to_recordset(${JSON.stringify(rows)}::text::jsonb) AS row("tenantId" uuid, "providerId" uuid,
        "disputeId" uuid, outcome text, rule text, reason text, "decidedBy" uuid, "decidedAt" timestamptz)`;
    const providers = rows.flatMap(({ providerId }) => providerId ?? []);
    // An operator's last word is kept, however often its owner changes the registration after it.
    const pruned = sql`
      DELETE FROM marketplace_decisions old USING (
        SELECT id, row_number() OVER (PARTITION BY provider_id ORDER BY id DESC) AS place FROM marketplace_decisions
        WHERE provider_id = ANY (${providers}::uuid[])) ranked
      WHERE old.id = ranked.id AND ranked.place > ${DECISIONS_KEPT_MAX} AND old.rule <> 'operator'`;
    await Promise.all(providers.length === 0 ? [inserted] : [inserted, pruned]);
  },
};

/** The decisions about a registration that the transaction may see, the newest first. */
export async function decisionsAbout<Outcome extends string>(
  sql: Sql,
  providerId: string,
  limit: number,
): Promise<readonly Decision<Outcome>[]> {
  const rows = await sql<DecisionRow[]>`
    SELECT outcome, rule, reason, decided_by, decided_at FROM marketplace_decisions
    WHERE provider_id = ${providerId} ORDER BY id DESC LIMIT ${limit}`;
  return rows.map((row) => toDecision<Outcome>(row));
}

/** The decisions about these disputes, each with the dispute's id, the newest first. A dispute is decided once. */
export async function decisionsAboutDisputes<Outcome extends string>(
  sql: Sql,
  disputeIds: readonly string[],
): Promise<readonly { readonly disputeId: string; readonly decision: Decision<Outcome> }[]> {
  const rows = await sql<(DecisionRow & { dispute_id: string })[]>`
    SELECT dispute_id, outcome, rule, reason, decided_by, decided_at FROM marketplace_decisions
    WHERE dispute_id = ANY (${disputeIds}::uuid[]) ORDER BY id DESC`;
  return rows.map((row) => ({ disputeId: row.dispute_id, decision: toDecision<Outcome>(row) }));
}

/** The newest decision about each of these registrations, by its id. */
export async function newestDecisions<Outcome extends string>(
  sql: Sql,
  providerIds: readonly string[],
): Promise<ReadonlyMap<string, Decision<Outcome>>> {
  const rows = await sql<(DecisionRow & { provider_id: string })[]>`
    SELECT DISTINCT ON (provider_id) provider_id, outcome, rule, reason, decided_by, decided_at
    FROM marketplace_decisions WHERE provider_id = ANY (${providerIds}::uuid[]) ORDER BY provider_id, id DESC`;
  return new Map(rows.map((row) => [row.provider_id, toDecision<Outcome>(row)]));
}

/** What an operator decided last about a registration; null: nothing. */
export async function lastWordOfOperator(sql: Sql, providerId: string): Promise<string | null> {
  const [row] = await sql<{ outcome: string }[]>`
    SELECT outcome FROM marketplace_decisions WHERE provider_id = ${providerId} AND rule = 'operator'
    ORDER BY id DESC LIMIT 1`;
  return row?.outcome ?? null;
}
