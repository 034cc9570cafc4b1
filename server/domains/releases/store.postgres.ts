import type { AccountActor } from '../../kernel/actor.ts';
import type { Database, Sql } from '../../kernel/database.ts';
import { InvariantError } from '../../kernel/errors.ts';
import type { NetworkId, TenantId } from '../../kernel/ids.ts';
import { sqlPosition } from '../../kernel/page.ts';
import { RELEASE_KEYS_MAX, RELEASE_PART_BYTES, RELEASES_MAX } from './limits.ts';
import type { ReleaseStore } from './ports.ts';
import { decidePart, partCount, readManifest } from './rules.ts';
import type { Release, ReleaseKey } from './types.ts';

/** Whether a release is being rolled out, asked in the transaction that removes it. */
export interface ReleaseUses {
  isInUse(sql: Sql, tenantId: TenantId, releaseId: string): Promise<boolean>;
}

interface KeyRow {
  id: string;
  network_id: NetworkId | null;
  name: string;
  public_key: Uint8Array;
  created_at: Date;
}

const toKey = (row: KeyRow): ReleaseKey => ({
  id: row.id,
  name: row.name,
  networkId: row.network_id,
  publicKey: row.public_key,
  createdAtMs: row.created_at.getTime(),
});

interface ReleaseRow {
  id: string;
  key_id: string;
  network_id: NetworkId | null;
  manifest: Uint8Array;
  signature: Uint8Array;
  received_bytes: bigint;
  completed_at: Date | null;
  created_at: Date;
}

const toRelease = (row: ReleaseRow): Release => ({
  id: row.id,
  keyId: row.key_id,
  networkId: row.network_id,
  manifest: row.manifest,
  signature: row.signature,
  described: readManifest(row.manifest),
  receivedBytes: Number(row.received_bytes),
  completedAtMs: row.completed_at?.getTime() ?? null,
  createdAtMs: row.created_at.getTime(),
});

/** Releases in PostgreSQL; of a tenant at most so many bytes. */
export function createReleaseStore(
  database: Database,
  { tenantBytesMax }: { readonly tenantBytesMax: number },
  uses: ReleaseUses,
): ReleaseStore {
  return {
    ...keyStatements(database),
    ...releaseStatements(database, tenantBytesMax, uses),
    ...partStatements(database),
  };
}

function keyStatements(database: Database): Pick<ReleaseStore, 'listKeys' | 'addKey' | 'removeKey'> {
  return {
    listKeys: (actor) =>
      database.read(actor, async (sql) => {
        const rows = await sql<KeyRow[]>`
          SELECT * FROM release_keys WHERE tenant_id = ${actor.tenantId} ORDER BY created_at, id`;
        return rows.map(toKey);
      }),

    addKey: (actor, { id, networkId, name, publicKey, createdAtMs }) =>
      database
        .tenant(actor, async (sql) => {
          await lockReleases(sql, actor.tenantId);
          const [count] = await sql<{ count: bigint }[]>`
            SELECT count(*) AS count FROM release_keys WHERE tenant_id = ${actor.tenantId}`;
          if (count === undefined || count.count >= BigInt(RELEASE_KEYS_MAX)) return 'limit_reached';
          const added = await sql`
            INSERT INTO release_keys (id, tenant_id, network_id, name, public_key, created_at)
            VALUES (${id}, ${actor.tenantId}, ${networkId}, ${name}, ${publicKey}, ${new Date(createdAtMs)})
            ON CONFLICT ON CONSTRAINT release_keys_taken DO NOTHING RETURNING 1`;
          return added.length > 0 ? 'added' : 'taken';
        })
        .catch(networkNotFound),

    removeKey: (actor, keyId) =>
      database.tenant(actor, async (sql) => {
        // Held, so that nothing that it signed is added meanwhile.
        const found = await sql`
          SELECT 1 FROM release_keys WHERE tenant_id = ${actor.tenantId} AND id = ${keyId} FOR UPDATE`;
        if (found.length === 0) return 'not_found';
        const signed = await sql`
          SELECT 1 FROM releases WHERE tenant_id = ${actor.tenantId} AND key_id = ${keyId} LIMIT 1`;
        if (signed.length > 0) return 'in_use';
        await sql`DELETE FROM release_keys WHERE tenant_id = ${actor.tenantId} AND id = ${keyId}`;
        return 'removed';
      }),
  };
}

function releaseStatements(
  database: Database,
  tenantBytesMax: number,
  uses: ReleaseUses,
): Pick<ReleaseStore, 'add' | 'find' | 'list' | 'remove' | 'readSigned'> {
  return {
    add: (actor, release) =>
      database.tenant(actor, (sql) => addRelease(sql, actor, release, tenantBytesMax)).catch(keyNotFound),

    find: (actor, releaseId) =>
      database.read(actor, async (sql) => {
        const [row] = await sql<ReleaseRow[]>`
          SELECT releases.*, release_keys.network_id
          FROM releases JOIN release_keys ON release_keys.tenant_id = ${actor.tenantId} AND release_keys.id = key_id
          WHERE releases.tenant_id = ${actor.tenantId} AND releases.id = ${releaseId}`;
        return row === undefined ? null : toRelease(row);
      }),

    list: (actor, after, limit) =>
      database.read(actor, async (sql) => {
        const { at, id } = sqlPosition(after);
        const rows = await sql<ReleaseRow[]>`
          SELECT releases.*, release_keys.network_id
          FROM releases JOIN release_keys ON release_keys.tenant_id = ${actor.tenantId} AND release_keys.id = key_id
          WHERE releases.tenant_id = ${actor.tenantId}
            AND (${at}::timestamptz IS NULL
              OR (releases.created_at, releases.id) > (${at}::timestamptz, ${id}::uuid))
          ORDER BY releases.created_at, releases.id LIMIT ${limit}`;
        return rows.map(toRelease);
      }),

    remove: (actor, releaseId) =>
      database.tenant(actor, async (sql) => {
        // Held, so that no rollout of it begins meanwhile.
        const found = await sql`
          SELECT 1 FROM releases WHERE tenant_id = ${actor.tenantId} AND id = ${releaseId} FOR UPDATE`;
        if (found.length === 0) return 'not_found';
        if (await uses.isInUse(sql, actor.tenantId, releaseId)) return 'in_use';
        await sql`DELETE FROM releases WHERE tenant_id = ${actor.tenantId} AND id = ${releaseId}`;
        return 'removed';
      }),

    readSigned: (tenantId, releaseId) =>
      database.system('relay', async (sql) => {
        const [row] = await sql<{ manifest: Uint8Array; signature: Uint8Array }[]>`
          SELECT manifest, signature FROM releases WHERE tenant_id = ${tenantId} AND id = ${releaseId}`;
        return row ?? null;
      }),
  };
}

async function addRelease(
  sql: Sql,
  { tenantId }: AccountActor,
  { id, keyId, described, manifest, signature, createdAtMs }: Release,
  tenantBytesMax: number,
): Promise<'added' | 'taken' | 'limit_reached' | 'no_room'> {
  await lockReleases(sql, tenantId);
  const [sum] = await sql<{ count: bigint; bytes: bigint }[]>`
    SELECT count(*) AS count, coalesce(sum(content_bytes), 0)::bigint AS bytes
    FROM releases WHERE tenant_id = ${tenantId}`;
  if (sum === undefined || sum.count >= BigInt(RELEASES_MAX)) return 'limit_reached';
  if (sum.bytes + BigInt(described.contentBytes) > BigInt(tenantBytesMax)) return 'no_room';
  const { kind, name, target, version, contentBytes } = described;
  const added = await sql`
    INSERT INTO releases (id, tenant_id, key_id, kind, name, target, version, content_bytes, manifest, signature, created_at)
    VALUES (${id}, ${tenantId}, ${keyId}, ${kind}, ${name}, ${target}, ${version}, ${contentBytes}, ${manifest},
      ${signature}, ${new Date(createdAtMs)})
    ON CONFLICT ON CONSTRAINT releases_taken DO NOTHING RETURNING 1`;
  return added.length > 0 ? 'added' : 'taken';
}

function partStatements(database: Database): Pick<ReleaseStore, 'addPart' | 'readPart' | 'readContent'> {
  return {
    addPart: (actor, part, isRight, nowMs) =>
      database.tenant(actor, (sql) => addPart(sql, actor.tenantId, part, isRight, nowMs)),

    readPart: (actor, releaseId, index) =>
      database.read(actor, async (sql) => {
        const [row] = await sql<{ data: Uint8Array }[]>`
          SELECT data FROM release_parts
          WHERE tenant_id = ${actor.tenantId} AND release_id = ${releaseId} AND index = ${index}`;
        return row?.data ?? null;
      }),

    readContent: (tenantId, releaseId, { offset, length }) =>
      database.system('relay', async (sql) => {
        const start = offset % RELEASE_PART_BYTES;
        const [row] = await sql<{ piece: Uint8Array }[]>`
          SELECT substring(data FROM ${start + 1}::integer FOR ${length}::integer) AS piece FROM release_parts
          WHERE tenant_id = ${tenantId} AND release_id = ${releaseId}
            AND index = ${Math.floor(offset / RELEASE_PART_BYTES)}`;
        return row?.piece ?? new Uint8Array(0);
      }),
  };
}

async function addPart(
  sql: Sql,
  tenantId: TenantId,
  { releaseId, index, data }: Parameters<ReleaseStore['addPart']>[1],
  isRight: Parameters<ReleaseStore['addPart']>[2],
  nowMs: number,
): ReturnType<ReleaseStore['addPart']> {
  const [row] = await sql<{ manifest: Uint8Array; received_bytes: bigint }[]>`
    SELECT manifest, received_bytes FROM releases WHERE tenant_id = ${tenantId} AND id = ${releaseId} FOR UPDATE`;
  if (row === undefined) return 'not_found';
  const described = readManifest(row.manifest);
  const { contentBytes } = described;
  const decision = decidePart(
    { contentBytes, receivedBytes: Number(row.received_bytes) },
    index,
    data.length,
  );
  if (decision !== 'next') return decision === 'there' ? 'taken' : 'wrong';
  await sql`
    INSERT INTO release_parts (release_id, tenant_id, index, data)
    VALUES (${releaseId}, ${tenantId}, ${index}, ${data})`;
  const receivedBytes = index * RELEASE_PART_BYTES + data.length;
  const isWhole = receivedBytes === contentBytes;
  if (isWhole && !(await isRight(described, partsOf(sql, tenantId, releaseId, partCount(contentBytes))))) {
    await sql`DELETE FROM release_parts WHERE tenant_id = ${tenantId} AND release_id = ${releaseId}`;
    await sql`UPDATE releases SET received_bytes = 0 WHERE tenant_id = ${tenantId} AND id = ${releaseId}`;
    return 'hash_wrong';
  }
  await sql`
    UPDATE releases SET received_bytes = ${receivedBytes}, completed_at = ${isWhole ? new Date(nowMs) : null}
    WHERE tenant_id = ${tenantId} AND id = ${releaseId}`;
  return 'taken';
}

/** Its parts, one in memory at a time. */
async function* partsOf(
  sql: Sql,
  tenantId: TenantId,
  releaseId: string,
  count: number,
): AsyncGenerator<Uint8Array> {
  for (let index = 0; index < count; index++) {
    const [row] = await sql<{ data: Uint8Array }[]>`
      SELECT data FROM release_parts
      WHERE tenant_id = ${tenantId} AND release_id = ${releaseId} AND index = ${index}`;
    if (row === undefined) throw new InvariantError(`part ${index} of ${releaseId} is missing`);
    yield row.data;
  }
}

/** One change at a time in a tenant: each counts what the others add. */
async function lockReleases(sql: Sql, tenantId: TenantId): Promise<void> {
  await sql`SELECT pg_advisory_xact_lock(hashtextextended(${`releases:${tenantId}`}, 0))`;
}

/** The network was removed at this moment. */
function networkNotFound(error: unknown): 'network_not_found' {
  const { code, constraint_name: constraint } = error as { code?: string; constraint_name?: string };
  if (code === '23503' && constraint === 'release_keys_of_network') return 'network_not_found';
  throw error;
}

/** The key was removed at this moment. */
function keyNotFound(error: unknown): 'key_not_found' {
  if ((error as { code?: string }).code === '23503') return 'key_not_found';
  throw error;
}
