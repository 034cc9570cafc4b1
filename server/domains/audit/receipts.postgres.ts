import { type Database, inOrder, type Sql } from '../../kernel/database.ts';
import type { TenantId } from '../../kernel/ids.ts';
import { type RecordRow, toRecord } from './chains.postgres.ts';
import { PASSING_RECEIPTS_BYTES_MAX } from './limits.ts';
import type { ReceiptStore } from './ports.ts';
import { sha256 } from './sha256.ts';
import type { Receipt } from './types.ts';

/** Keeps receipts and notes their records, in the transaction of what they tell of. One that is there already stays. */
export const keptReceipts = {
  name: 'audit_receipts',
  write: (sql: Sql, receipts: readonly Receipt[]): Promise<void> =>
    insertReceipts(sql, receipts, 'as_record'),
};

/**
 * Keeps receipts likewise, of what anybody with a device can do as often as it likes: of a tenant's so many bytes, past which the texts of the
 * oldest go. Their hashes stay in the records.
 */
export async function keepPassingReceipts(sql: Sql, receipts: readonly Receipt[]): Promise<void> {
  const tenants = [...new Set(receipts.map(({ record }) => record.tenantId))];
  await inOrder(
    () => insertReceipts(sql, receipts, 'passing'),
    () => removePassingReceipts(sql, tenants),
  );
}

/** As `keepPassingReceipts`, where this transaction has written something; true: it has. Its statements begin within the call. */
export async function keepPassingReceiptIfWritten(sql: Sql, receipt: Receipt): Promise<boolean> {
  const [[row]] = await inOrder(
    () => sql<{ has_written: boolean }[]>`SELECT pg_current_xact_id_if_assigned() IS NOT NULL AS has_written`,
    () => insertReceipts(sql, [receipt], 'passing', 'if_written'),
    () => removePassingReceipts(sql, [receipt.record.tenantId]),
  );
  return row?.has_written === true;
}

/** Nothing is to be removed where this transaction has kept nothing. */
async function removePassingReceipts(sql: Sql, tenants: readonly TenantId[]): Promise<void> {
  await sql`
    SELECT remove_passing_receipts(${[...tenants]}::uuid[], ${PASSING_RECEIPTS_BYTES_MAX})
    WHERE pg_current_xact_id_if_assigned() IS NOT NULL`;
}

async function insertReceipts(
  sql: Sql,
  receipts: readonly Receipt[],
  stays: 'as_record' | 'passing',
  when: 'always' | 'if_written' = 'always',
): Promise<void> {
  const rows = receipts.map(({ record, ...receipt }) => ({
    ...record,
    ...receipt,
    at: new Date(record.atMs),
    contentHash: Buffer.from(sha256(Buffer.from(receipt.content))).toString('hex'),
  }));
  const isPassing = stays === 'passing';
  await sql`
    WITH given AS (
      SELECT * FROM jsonb_to_recordset(${JSON.stringify(rows)}::text::jsonb) AS row("tenantId" uuid, at timestamptz,
        principal text, operation text, class text, outcome text, objects uuid[], "subjectId" uuid, "partId" uuid,
        "accountId" uuid, content text, "contentHash" text)
    ), kept AS (
      INSERT INTO audit_receipts (tenant_id, subject_id, part_id, account_id, content, content_hash, passing_at, passing_bytes)
      SELECT "tenantId", "subjectId", "partId", "accountId", content, decode("contentHash", 'hex'),
        CASE WHEN ${isPassing} THEN at END, CASE WHEN ${isPassing} THEN octet_length(content) END FROM given
      WHERE ${when === 'always'} OR (SELECT pg_current_xact_id_if_assigned() IS NOT NULL)
      ON CONFLICT DO NOTHING
      RETURNING tenant_id, subject_id, part_id, content_hash
    )
    INSERT INTO audit_pending (tenant_id, at, principal, operation, class, outcome, objects, left_out, content_hash)
    SELECT tenant_id, at, principal, operation, class, outcome, objects, 0, content_hash
    FROM kept JOIN given ON tenant_id = "tenantId" AND subject_id = "subjectId" AND part_id = "partId"`;
}

/** Receipts as those read them who have a side in what happened. */
export function createReceiptStore(database: Database): ReceiptStore {
  return {
    listReceipts: (actor, subjectId) =>
      database.read(actor, async (sql) => {
        const rows = await sql<{ content: string; content_hash: Uint8Array }[]>`
          SELECT content, content_hash FROM audit_receipts
          WHERE tenant_id = ${actor.tenantId} AND subject_id = ${subjectId}
          ORDER BY account_id NULLS LAST, part_id`;
        return rows.map(({ content, content_hash: contentHash }) => ({ content, contentHash }));
      }),
    // Who may read a receipt need not be one who may read the log.
    findRecordOf: (tenantId, contentHash) =>
      database.system('node', async (sql) => {
        const [row] = await sql<(RecordRow & { follows: Uint8Array | null })[]>`
          SELECT record.*, coalesce(
            (SELECT hash FROM audit_records WHERE tenant_id = record.tenant_id AND index = record.index - 1),
            (SELECT first_follows FROM audit_chains WHERE tenant_id = record.tenant_id)) AS follows
          FROM audit_records record WHERE tenant_id = ${tenantId} AND content_hash = ${contentHash}
          ORDER BY index LIMIT 1`;
        return row === undefined || row.follows === null
          ? null
          : { record: toRecord(row), follows: row.follows };
      }),
  };
}
