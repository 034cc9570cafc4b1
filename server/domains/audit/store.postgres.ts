import type { Database, Sql } from '../../kernel/database.ts';
import type { TenantId } from '../../kernel/ids.ts';
import { createChainReader, type HeadRow, type RecordRow, toHead, toRecord } from './chains.postgres.ts';
import { COUNTERSIGNATURES_MAX } from './limits.ts';
import type { AuditStore } from './ports.ts';
import { keepPassingReceiptIfWritten, keepPassingReceipts } from './receipts.postgres.ts';
import type { Countersignature, NotedRecord, Receipt, SignedHead, TreeNode } from './types.ts';

/** The audit in PostgreSQL: the job `node` seals and signs, tenants read what is theirs. */
export function createAuditStore(database: Database): AuditStore {
  return {
    ...createChainReader(database),
    ...createTenantRows(database),

    note: (records) => database.system('node', (sql, lastly) => lastly(() => noteAll(sql, records))),
    seal: (limit) =>
      database.system('node', async (sql) => {
        const [row] = await sql<{ sealed: number }[]>`SELECT seal_audit_records(${limit}) AS sealed`;
        return row?.sealed ?? 0;
      }),

    findUnsigned: (limit) =>
      database.system('node', async (sql) => {
        const rows = await sql<{ tenant_id: TenantId }[]>`
          SELECT tenant_id FROM audit_chains
          WHERE size > coalesce((SELECT max(audit_heads.size) FROM audit_heads
            WHERE audit_heads.tenant_id = audit_chains.tenant_id), 0)
          ORDER BY tenant_id LIMIT ${limit}`;
        return rows.map((row) => row.tenant_id);
      }),

    findLastHead: (tenantId) =>
      database.system('node', async (sql) => {
        const [row] = await sql<HeadRow[]>`
          SELECT audit_heads.*, public_key FROM audit_heads JOIN audit_keys ON audit_keys.id = key_id
          WHERE tenant_id = ${tenantId} ORDER BY size DESC LIMIT 1`;
        return row === undefined ? null : toHead(row);
      }),

    saveHead: (head, nodes) => database.system('node', (sql) => saveHead(sql, head, nodes)),

    saveKey: ({ id, publicKey, privateKeySealed }, atMs) =>
      database.system('node', async (sql) => {
        await sql`
          INSERT INTO audit_keys (id, public_key, private_key_sealed, created_at)
          VALUES (${id}, ${publicKey}, ${privateKeySealed}, ${new Date(atMs)})`;
      }),

    removeOld: (tenantId, { beforeMs, recordsMax, headsMax }) =>
      database.system('node', async (sql) => {
        const [row] = await sql<{ removed: bigint }[]>`
          SELECT remove_old_audit_records(${tenantId}, ${new Date(beforeMs)}, ${recordsMax}, ${headsMax}) AS removed`;
        return Number(row?.removed ?? 0);
      }),
  };
}

/** The part that a tenant's people and devices ask, in transactions of theirs. */
function createTenantRows(
  database: Database,
): Pick<
  AuditStore,
  'listRecordsOf' | 'listHeadsOf' | 'findHeadOf' | 'listCountersignatures' | 'saveCountersignature'
> {
  return {
    listRecordsOf: (actor, before, limit) =>
      database.read(actor, async (sql) => {
        const rows = await sql<RecordRow[]>`
          SELECT * FROM audit_records
          WHERE tenant_id = ${actor.tenantId} AND index < ${before ?? Number.MAX_SAFE_INTEGER}
          ORDER BY index DESC LIMIT ${limit}`;
        return rows.map(toRecord);
      }),

    listHeadsOf: (actor, before, limit) =>
      database.read(actor, async (sql) => {
        const rows = await sql<HeadRow[]>`
          SELECT * FROM audit_heads
          WHERE tenant_id = ${actor.tenantId} AND size < ${before ?? Number.MAX_SAFE_INTEGER}
          ORDER BY size DESC LIMIT ${limit}`;
        return rows.map(toHead);
      }),

    findHeadOf: (actor, size) =>
      database.read(actor, async (sql) => {
        const [row] = await sql<HeadRow[]>`
          SELECT * FROM audit_heads WHERE tenant_id = ${actor.tenantId} AND size = ${size}`;
        return row === undefined ? null : toHead(row);
      }),

    listCountersignatures: (actor, sizes) =>
      database.read(actor, async (sql) => {
        const rows = await sql<CountersignatureRow[]>`
          SELECT size, public_key, signature, principal, signed_at FROM audit_countersignatures
          WHERE tenant_id = ${actor.tenantId} AND size = ANY(${sizes.map(String)}::text[]::bigint[])
          ORDER BY size, signed_at, public_key`;
        return rows.map(toCountersignature);
      }),

    saveCountersignature: (actor, { size, publicKey, signature, principal, signedAtMs }) =>
      database.tenant(actor, async (sql) => {
        const saved = await sql`
          INSERT INTO audit_countersignatures (tenant_id, size, public_key, signature, principal, signed_at)
          SELECT ${actor.tenantId}, ${size}, ${publicKey}, ${signature}, ${principal}, ${new Date(signedAtMs)}
          WHERE (SELECT count(*) FROM audit_countersignatures
            WHERE tenant_id = ${actor.tenantId} AND size = ${size}) < ${COUNTERSIGNATURES_MAX}
          ON CONFLICT DO NOTHING`;
        if (saved.count > 0) return true;
        const known = await sql`
          SELECT FROM audit_countersignatures
          WHERE tenant_id = ${actor.tenantId} AND size = ${size} AND public_key = ${publicKey}`;
        return known.count > 0;
      }),
  };
}

interface CountersignatureRow {
  size: bigint;
  public_key: Uint8Array;
  signature: Uint8Array;
  principal: string;
  signed_at: Date;
}

const toCountersignature = (row: CountersignatureRow): Countersignature => ({
  size: Number(row.size),
  publicKey: row.public_key,
  signature: row.signature,
  principal: row.principal,
  signedAtMs: row.signed_at.getTime(),
});

async function saveHead(sql: Sql, head: SignedHead, nodes: readonly TreeNode[]): Promise<void> {
  if (nodes.length > 0) {
    await sql`
      INSERT INTO audit_nodes (tenant_id, level, index, hash)
      SELECT ${head.tenantId}, level, index, decode(hash, 'hex') FROM unnest(
        ${nodes.map(({ level }) => level)}::smallint[],
        ${nodes.map(({ index }) => String(index))}::text[]::bigint[],
        ${nodes.map(({ hash }) => Buffer.from(hash).toString('hex'))}::text[]) AS made (level, index, hash)
      ON CONFLICT DO NOTHING`;
  }
  await sql`
    INSERT INTO audit_heads (tenant_id, size, root, signed_at, key_id, signature)
    VALUES (${head.tenantId}, ${head.size}, ${head.root}, ${new Date(head.signedAtMs)}, ${head.keyId}, ${head.signature})
    ON CONFLICT DO NOTHING`;
}

/** Notes records in a transaction that does what they tell of, or in one of their own. Its statements begin within the call. */
export async function noteAll(sql: Sql, records: readonly NotedRecord[]): Promise<void> {
  const receipts = records.flatMap((record) => receiptOf(record) ?? []);
  const plain = records.filter(({ receipt }) => receipt === undefined);
  await Promise.all([
    receipts.length > 0 ? keepPassingReceipts(sql, receipts) : null,
    plain.length > 0 ? notePlain(sql, plain) : null,
  ]);
}

/** A record with what is kept with it; null: nothing is. */
function receiptOf({ receipt, ...record }: NotedRecord): Receipt | null {
  return receipt === undefined ? null : { record, ...receipt };
}

async function notePlain(sql: Sql, records: readonly NotedRecord[]): Promise<void> {
  await sql`
    INSERT INTO audit_pending (tenant_id, at, principal, operation, class, outcome, objects, reason, left_out)
    SELECT tenant_id, at, principal, operation, class, outcome, string_to_array(objects, ',')::uuid[], reason, left_out
    FROM unnest(
      ${records.map(({ tenantId }) => tenantId)}::uuid[],
      ${records.map(({ atMs }) => new Date(atMs).toISOString())}::timestamptz[],
      ${records.map(({ principal }) => principal)}::text[],
      ${records.map(({ operation }) => operation)}::text[],
      ${records.map((record) => record.class)}::text[],
      ${records.map(({ outcome }) => outcome)}::text[],
      ${records.map(({ objects }) => objects.join(','))}::text[],
      ${records.map(({ reason }) => reason)}::text[],
      ${records.map(({ leftOut }) => leftOut)}::integer[])
      AS noted (tenant_id, at, principal, operation, class, outcome, objects, reason, left_out)`;
}

/** Notes a record where this transaction has written something; true: it has. Its statements begin within the call. */
export async function noteIfWritten(sql: Sql, record: NotedRecord): Promise<boolean> {
  const receipt = receiptOf(record);
  if (receipt !== null) return keepPassingReceiptIfWritten(sql, receipt);
  const noted = await sql`
    INSERT INTO audit_pending (tenant_id, at, principal, operation, class, outcome, objects, reason, left_out)
    SELECT ${record.tenantId}, ${new Date(record.atMs)}, ${record.principal}, ${record.operation}, ${record.class},
      ${record.outcome}, string_to_array(${record.objects.join(',')}, ',')::uuid[], ${record.reason},
      ${record.leftOut}::integer
    WHERE pg_current_xact_id_if_assigned() IS NOT NULL`;
  return noted.count > 0;
}
