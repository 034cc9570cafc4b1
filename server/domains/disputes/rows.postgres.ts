import type { Sql } from '../../kernel/database.ts';
import type { DisputeId } from '../../kernel/ids.ts';
import type { DisputeState } from './types.ts';

/** A dispute that is decided by the unit of the ledger that gives something back. */
export interface DecidedDispute {
  readonly id: DisputeId;
  readonly state: DisputeState;
  readonly refundedMicrocents: bigint;
  readonly keepsFee: boolean;
  readonly atMs: number;
}

/** Lets a unit give something back only while its dispute is open, and keeps others from deciding it until the unit is written. */
export const openDisputes = {
  name: 'disputes',
  async load(sql: Sql, rows: readonly { readonly id: DisputeId }[]) {
    const ids = rows.map(({ id }) => id);
    const found = await sql<{ id: DisputeId }[]>`
      SELECT id FROM marketplace_disputes WHERE id = ANY (${ids}::uuid[]) AND state = 'open' ORDER BY id FOR UPDATE`;
    const open = new Set(found.map(({ id }) => id));
    return {
      take({ id }: { readonly id: DisputeId }): 'dispute_decided' | (() => void) {
        return open.delete(id) ? () => open.add(id) : 'dispute_decided';
      },
    };
  },
};

/** Writes how disputes ended. One that was decided before stays as it is. */
export const decidedDisputes = {
  name: 'marketplace_disputes',
  async write(sql: Sql, decided: readonly DecidedDispute[]): Promise<void> {
    const rows = decided.map(({ refundedMicrocents, atMs, ...row }) => ({
      ...row,
      refunded: String(refundedMicrocents),
      decidedAt: new Date(atMs),
    }));
    await sql`
      UPDATE marketplace_disputes dispute SET state = row.state, refunded_microcents = row.refunded,
        keeps_fee = row."keepsFee",
        decided_at = row."decidedAt"
      FROM jsonb_to_recordset(${JSON.stringify(rows)}::text::jsonb)
        AS row(id uuid, state text, refunded bigint, "keepsFee" boolean, "decidedAt" timestamptz)
      WHERE dispute.id = row.id AND dispute.state = 'open'`;
  },
};
