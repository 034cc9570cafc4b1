import type { Database } from '../../kernel/database.ts';
import type { TenantId } from '../../kernel/ids.ts';
import type { ChainReader } from './ports.ts';
import type { Chain, SealedRecord, SignedHead } from './types.ts';

export interface RecordRow {
  tenant_id: string;
  index: bigint;
  at: Date;
  principal: string | null;
  operation: string;
  class: string;
  outcome: string;
  objects: string[];
  reason: string | null;
  left_out: number;
  content_hash: Uint8Array | null;
  hash: Uint8Array;
}

export interface HeadRow {
  tenant_id: string;
  size: bigint;
  root: Uint8Array;
  signed_at: Date;
  key_id: string;
  /** Not where a tenant asks: keys are the server's. */
  public_key?: Uint8Array;
  signature: Uint8Array;
}

interface ChainRow {
  tenant_id: TenantId;
  size: bigint;
  first_index: bigint;
  first_follows: Uint8Array;
  last_hash: Uint8Array;
  head_size: bigint | null;
}

/** A row as a record. */
export const toRecord = (row: RecordRow): SealedRecord => ({
  tenantId: row.tenant_id,
  index: Number(row.index),
  atMs: row.at.getTime(),
  principal: row.principal,
  operation: row.operation,
  class: row.class,
  outcome: row.outcome,
  objects: row.objects,
  reason: row.reason,
  leftOut: row.left_out,
  contentHash: row.content_hash,
  hash: row.hash,
});

/** A row as a head. */
export const toHead = (row: HeadRow): SignedHead => ({
  tenantId: row.tenant_id,
  size: Number(row.size),
  root: row.root,
  signedAtMs: row.signed_at.getTime(),
  keyId: row.key_id,
  publicKey: row.public_key ?? new Uint8Array(),
  signature: row.signature,
});

const toChain = (row: ChainRow): Chain => ({
  tenantId: row.tenant_id,
  size: Number(row.size),
  firstIndex: Number(row.first_index),
  firstFollows: row.first_follows,
  lastHash: row.last_hash,
  headSize: Number(row.head_size ?? 0),
});

/** Chains as the server itself reads them. */
export function createChainReader(database: Database): ChainReader {
  return {
    findChain: (tenantId) =>
      database.system('node', async (sql) => {
        const [row] = await sql<ChainRow[]>`
          SELECT *, (SELECT max(size) FROM audit_heads WHERE audit_heads.tenant_id = audit_chains.tenant_id) AS head_size
          FROM audit_chains WHERE tenant_id = ${tenantId}`;
        return row === undefined ? null : toChain(row);
      }),
    listChains: (after, limit) =>
      database.system('node', async (sql) => {
        const rows = await sql<ChainRow[]>`
          SELECT *, (SELECT max(size) FROM audit_heads WHERE audit_heads.tenant_id = audit_chains.tenant_id) AS head_size
          FROM audit_chains WHERE ${after}::uuid IS NULL OR tenant_id > ${after}::uuid
          ORDER BY tenant_id LIMIT ${limit}`;
        return rows.map(toChain);
      }),
    listRecords: (tenantId, from, limit) =>
      database.system('node', async (sql) => {
        const rows = await sql<RecordRow[]>`
          SELECT * FROM audit_records WHERE tenant_id = ${tenantId} AND index >= ${from} ORDER BY index LIMIT ${limit}`;
        return rows.map(toRecord);
      }),
    listHashes: (tenantId, from, to) =>
      database.system('node', async (sql) => {
        const rows = await sql<{ hash: Uint8Array }[]>`
          SELECT hash FROM audit_records WHERE tenant_id = ${tenantId} AND index >= ${from} AND index < ${to} ORDER BY index`;
        return rows.map((row) => row.hash);
      }),
    listNodes: (tenantId) =>
      database.system('node', async (sql) => {
        const rows = await sql<{ level: number; index: bigint; hash: Uint8Array }[]>`
          SELECT level, index, hash FROM audit_nodes WHERE tenant_id = ${tenantId} ORDER BY level, index`;
        return rows.map(({ level, index, hash }) => ({ level, index: Number(index), hash }));
      }),
    listEveryHead: (tenantId) =>
      database.system('node', async (sql) => {
        const rows = await sql<HeadRow[]>`
          SELECT audit_heads.*, public_key FROM audit_heads JOIN audit_keys ON audit_keys.id = key_id
          WHERE tenant_id = ${tenantId} ORDER BY size`;
        return rows.map(toHead);
      }),
    listKeys: () =>
      database.system('node', async (sql) => {
        const rows = await sql<{ id: string; public_key: Uint8Array; private_key_sealed: Uint8Array }[]>`
          SELECT id, public_key, private_key_sealed FROM audit_keys ORDER BY created_at, id`;
        return rows.map((row) => ({
          id: row.id,
          publicKey: row.public_key,
          privateKeySealed: row.private_key_sealed,
        }));
      }),
    countWaiting: () =>
      database.system('node', async (sql) => {
        const [row] = await sql<{ waiting: bigint }[]>`SELECT waiting_audit_records() AS waiting`;
        return Number(row?.waiting ?? 0);
      }),
  };
}
