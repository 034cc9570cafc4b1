import type { Sql } from '../../kernel/database.ts';
import type { CredentialId, TenantId, TransactionId } from '../../kernel/ids.ts';
import type { Microcents } from '../../kernel/money.ts';

/** What is set aside for a request that came with an API key. */
export interface KeyHold {
  readonly keyId: CredentialId;
  readonly tenantId: TenantId;
  readonly transactionId: TransactionId;
  readonly heldMicrocents: Microcents;
}

/** The end of a request that may have come with an API key, and what it cost. */
export interface KeyCharge {
  readonly transactionId: TransactionId;
  readonly costMicrocents: Microcents;
}

/** What one key has used: paid, and set aside by request. */
interface KeyUse {
  readonly limitMicrocents: Microcents | null;
  usedMicrocents: Microcents;
  readonly holds: Map<TransactionId, Microcents>;
}

/**
 * Judges holds by the limits of their keys, in the transaction that takes them: `take` counts one, or refuses it where the
 * key's payments and holds together would pass its limit, or the key is gone. A further hold of a request takes the place of
 * the one before.
 */
export const keyLimits = {
  name: 'api_keys',
  async load(sql: Sql, rows: readonly KeyHold[]) {
    const uses = await lockKeys(sql, [...new Set(rows.map(({ keyId }) => keyId))]);
    return {
      take({ keyId, transactionId, heldMicrocents }: KeyHold): 'spending_limit_reached' | (() => void) {
        const use = uses.get(keyId);
        if (use === undefined) return 'spending_limit_reached';
        const before = use.holds.get(transactionId) ?? 0n;
        const usedMicrocents = use.usedMicrocents - before + heldMicrocents;
        const { limitMicrocents } = use;
        if (limitMicrocents !== null && usedMicrocents > limitMicrocents) return 'spending_limit_reached';
        const set = (used: Microcents, held: Microcents) => {
          use.usedMicrocents = used;
          use.holds.set(transactionId, held);
        };
        set(usedMicrocents, heldMicrocents);
        return () => set(usedMicrocents - heldMicrocents + before, before);
      },
    };
  },
};

/** Locks the keys in the order of their ids, then reads what may only be trusted under their locks. */
async function lockKeys(sql: Sql, keyIds: readonly CredentialId[]): Promise<Map<CredentialId, KeyUse>> {
  const [keys, holds] = await Promise.all([
    sql<{ credential_id: CredentialId; spend_microcents_max: bigint | null; spent_microcents: bigint }[]>`
      SELECT credential_id, spend_microcents_max, spent_microcents FROM api_keys
      WHERE credential_id = ANY (${[...keyIds]}::uuid[]) ORDER BY credential_id FOR NO KEY UPDATE`,
    sql<{ credential_id: CredentialId; transaction_id: TransactionId; held_microcents: bigint }[]>`
      SELECT credential_id, transaction_id, held_microcents FROM api_key_holds
      WHERE credential_id = ANY (${[...keyIds]}::uuid[])`,
  ]);
  const uses = new Map<CredentialId, KeyUse>(
    keys.map((row) => [
      row.credential_id,
      {
        limitMicrocents: row.spend_microcents_max,
        usedMicrocents: row.spent_microcents,
        holds: new Map(),
      },
    ]),
  );
  for (const row of holds) {
    const use = uses.get(row.credential_id);
    if (use === undefined) continue;
    use.usedMicrocents += row.held_microcents;
    use.holds.set(row.transaction_id, row.held_microcents);
  }
  return uses;
}

/** Writes what is set aside; of two for one request the later one counts. */
export const openedKeyHolds = {
  name: 'api_key_holds 1 open',
  async write(sql: Sql, holds: readonly KeyHold[]): Promise<void> {
    const latest = new Map(holds.map((hold) => [hold.transactionId, hold]));
    const rows = [...latest.values()].map((hold) => ({
      ...hold,
      heldMicrocents: String(hold.heldMicrocents),
    }));
    await sql`
      INSERT INTO api_key_holds (transaction_id, tenant_id, credential_id, held_microcents)
      SELECT "transactionId", "tenantId", "keyId", "heldMicrocents"
      FROM jsonb_to_recordset(${JSON.stringify(rows)}::text::jsonb)
        AS row("transactionId" uuid, "tenantId" uuid, "keyId" uuid, "heldMicrocents" bigint)
      ON CONFLICT (transaction_id) DO UPDATE SET held_microcents = excluded.held_microcents`;
  },
};

/** Takes holds away, and adds what their requests cost to what their keys have spent. What is gone already adds nothing. */
export const closedKeyHolds = {
  name: 'api_key_holds 2 close',
  async write(sql: Sql, charges: readonly KeyCharge[]): Promise<void> {
    const rows = charges.map((charge) => ({ ...charge, costMicrocents: String(charge.costMicrocents) }));
    await sql`
      WITH closed AS (
        DELETE FROM api_key_holds hold
        USING jsonb_to_recordset(${JSON.stringify(rows)}::text::jsonb)
          AS row("transactionId" uuid, "costMicrocents" bigint)
        WHERE hold.transaction_id = row."transactionId"
        RETURNING hold.credential_id, row."costMicrocents" AS cost_microcents
      )
      UPDATE api_keys SET spent_microcents = spent_microcents + cost.microcents
      FROM (SELECT credential_id, sum(cost_microcents)::bigint AS microcents FROM closed GROUP BY credential_id) cost
      WHERE api_keys.credential_id = cost.credential_id AND cost.microcents > 0`;
  },
};
