import type { Database, Sql } from '../../kernel/database.ts';
import type { TenantId, TransactionId } from '../../kernel/ids.ts';
import type { KeyClaim, KeyStore } from './ports.ts';

/** An answer to keep under its request's key. */
export interface AnswerToKeep {
  readonly tenantId: TenantId;
  readonly transactionId: TransactionId;
  readonly answer: Uint8Array;
}

/** A key that is free again. */
export interface KeyToFree {
  readonly tenantId: TenantId;
  readonly transactionId: TransactionId;
}

/** Claims keys for requests. Claimed by the same request it stays; claimed by another one the database refuses it (23505). */
export const claimedKeys = {
  name: 'marketplace_keyed_requests 1 claim',
  async write(sql: Sql, claims: readonly KeyClaim[]): Promise<void> {
    const rows = claims.map(({ requester, fingerprint, createdAtMs, ...claim }) => ({
      ...claim,
      ...requester,
      fingerprint: Buffer.from(fingerprint).toString('hex'),
      createdAt: new Date(createdAtMs),
    }));
    await sql`
      INSERT INTO marketplace_keyed_requests (tenant_id, account_id, key, fingerprint, transaction_id, created_at)
      SELECT "tenantId", "accountId", key, decode(fingerprint, 'hex'), "transactionId", "createdAt"
      FROM jsonb_to_recordset(${JSON.stringify(rows)}::text::jsonb) AS row("tenantId" uuid, "accountId" uuid, key text,
        fingerprint text, "transactionId" uuid, "createdAt" timestamptz)
      ON CONFLICT (transaction_id) DO NOTHING`;
  },
};

/** Keeps answers for whoever repeats their requests. */
export const keptAnswers = {
  name: 'marketplace_keyed_requests 2 keep',
  async write(sql: Sql, answers: readonly AnswerToKeep[]): Promise<void> {
    const ids = answers.map(({ transactionId }) => transactionId);
    const tenants = answers.map(({ tenantId }) => tenantId);
    const texts = answers.map(({ answer }) => Buffer.from(answer).toString('base64'));
    await sql`
      UPDATE marketplace_keyed_requests kept SET answer = decode(row.answer, 'base64')
      FROM unnest(${ids}::uuid[], ${tenants}::uuid[], ${texts}::text[]) AS row(id, tenant_id, answer)
      WHERE kept.transaction_id = row.id AND kept.tenant_id = row.tenant_id`;
  },
};

/** Forgets the keys of requests that failed. */
export const freedKeys = {
  name: 'marketplace_keyed_requests 3 free',
  async write(sql: Sql, keys: readonly KeyToFree[]): Promise<void> {
    const ids = keys.map(({ transactionId }) => transactionId);
    const tenants = keys.map(({ tenantId }) => tenantId);
    await sql`
      DELETE FROM marketplace_keyed_requests kept
      USING unnest(${ids}::uuid[], ${tenants}::uuid[]) AS row(id, tenant_id)
      WHERE kept.transaction_id = row.id AND kept.tenant_id = row.tenant_id AND kept.answer IS NULL`;
  },
};

/** Idempotency keys in PostgreSQL. Only the server reads them. */
export function createKeyStore(database: Database): KeyStore {
  return {
    findKey: ({ tenantId, accountId }, key) =>
      database.system('money', async (sql) => {
        const [row] = await sql<
          { fingerprint: Uint8Array; transaction_id: TransactionId; answer: Uint8Array | null }[]
        >`
          SELECT fingerprint, transaction_id, answer FROM marketplace_keyed_requests
          WHERE tenant_id = ${tenantId} AND account_id = ${accountId} AND key = ${key}`;
        if (row) {
          const { fingerprint, transaction_id: transactionId, answer } = row;
          return { kind: 'taken', fingerprint, transactionId, answer };
        }
        const [counted] = await sql<{ keys: bigint; kept_bytes: bigint }[]>`
          SELECT keys, kept_bytes FROM marketplace_key_counts
          WHERE tenant_id = ${tenantId} AND account_id = ${accountId}`;
        return {
          kind: 'free',
          keys: Number(counted?.keys ?? 0),
          keptBytes: Number(counted?.kept_bytes ?? 0),
        };
      }),
    forgetKeys: async (beforeMs) => {
      // One account at a time: each has a counter, and who writes requests of several locks them in another order.
      const forgetSome = () =>
        database.system('money', async (sql) => {
          const { count } = await sql`
            DELETE FROM marketplace_keyed_requests
            WHERE created_at < ${new Date(beforeMs)} AND account_id = (
              SELECT account_id FROM marketplace_keyed_requests
              WHERE created_at < ${new Date(beforeMs)} ORDER BY created_at LIMIT 1)`;
          return count > 0;
        });
      while (await forgetSome());
    },
  };
}
