import type { DeviceActor } from '../../kernel/actor.ts';
import type { Database } from '../../kernel/database.ts';
import { gather } from '../../kernel/gather.ts';
import type { CredentialId, DeviceId, NetworkId, TenantId } from '../../kernel/ids.ts';
import { CONNECTING_MAX } from './limits.ts';
import type { DeviceStore, FoundCredentials } from './ports.ts';
import type { DeviceCapabilities, SessionKeys } from './types.ts';

interface CredentialRow {
  id: DeviceId;
  tenant_id: TenantId;
  token_id: CredentialId;
  token_hash: Uint8Array;
  signing_key_sealed: Uint8Array;
  /** The token, and the key, that the device had before; null: none that may still be good. */
  previous_token_id: CredentialId | null;
  previous_token_hash: Uint8Array | null;
  previous_key_sealed: Uint8Array | null;
  previous_until: Date | null;
}

interface Seen {
  readonly actor: DeviceActor;
  readonly atMs: number;
}

const textOf = (hash: Uint8Array) => Buffer.from(hash).toString('hex');

/** The part of the devices' store that devices themselves ask, and the server about their credentials. */
export function createCredentialRows(
  database: Database,
): Pick<
  DeviceStore,
  | 'findCapabilities'
  | 'saveCapabilities'
  | 'saveLastSeen'
  | 'bindSessionKeys'
  | 'findByToken'
  | 'findCredentials'
  | 'dropPreviousCredentials'
  | 'findAnySealedKey'
  | 'findEveryNetwork'
> {
  const findByToken = gather(
    (hashes: readonly Uint8Array[]) => findByTokens(database, hashes),
    CONNECTING_MAX,
  );
  const saveSeen = gather((seen: readonly Seen[]) => saveAllSeen(database, seen), CONNECTING_MAX);
  return {
    findCapabilities: (actor) =>
      database.read(actor, async (sql) => {
        const [row] = await sql<{ capabilities: DeviceCapabilities | null }[]>`
          SELECT capabilities FROM devices WHERE tenant_id = ${actor.tenantId} AND id = ${actor.deviceId}`;
        return row?.capabilities ?? null;
      }),

    saveCapabilities: (actor, capabilities) =>
      database.tenant(actor, async (sql) => {
        await sql`
          UPDATE devices SET capabilities = ${sql.json({ ...capabilities })}
          WHERE tenant_id = ${actor.tenantId} AND id = ${actor.deviceId}`;
      }),

    bindSessionKeys: (actor, keys) => bindSessionKeys(database, actor, keys),
    saveLastSeen: (actor, atMs) => saveSeen({ actor, atMs }),
    findByToken: (tokenHash) => findByToken(tokenHash),

    findCredentials: (deviceId) =>
      database.system('identity', async (sql) => {
        const [row] = await sql<OwnCredentialRow[]>`
          SELECT id, tenant_id, token_id, signing_key_sealed, previous_token_id FROM devices WHERE id = ${deviceId}`;
        return row === undefined ? null : ownCredentials(row);
      }),

    dropPreviousCredentials: (deviceId, tokenId) =>
      database.system('identity', async (sql) => {
        await sql`
          UPDATE devices SET previous_token_id = NULL, previous_token_hash = NULL, previous_key_sealed = NULL,
            previous_until = NULL
          WHERE id = ${deviceId} AND previous_token_id = ${tokenId}`;
      }),

    findEveryNetwork: (tenantId, deviceId) =>
      database.system('identity', async (sql) => {
        const rows = await sql<{ network_id: NetworkId; tenant_id: TenantId }[]>`
          SELECT network_id, tenant_id FROM network_members
          WHERE device_tenant_id = ${tenantId} AND device_id = ${deviceId}`;
        return rows.map((row) => ({ networkId: row.network_id, tenantId: row.tenant_id }));
      }),

    findAnySealedKey: () =>
      database.system('identity', async (sql) => {
        const [row] = await sql<Pick<CredentialRow, 'id' | 'tenant_id' | 'signing_key_sealed'>[]>`
          SELECT id, tenant_id, signing_key_sealed FROM devices LIMIT 1`;
        if (row === undefined) return null;
        return { tenantId: row.tenant_id, deviceId: row.id, signingKeySealed: row.signing_key_sealed };
      }),
  };
}

/** Whose these tokens are, or were before their present ones, in their order. */
function findByTokens(
  database: Database,
  hashes: readonly Uint8Array[],
): Promise<(FoundCredentials | null)[]> {
  const wanted = hashes.map(textOf);
  return database.system('identity', async (sql) => {
    const rows = await sql<CredentialRow[]>`
      WITH wanted AS MATERIALIZED (SELECT ARRAY(SELECT decode(hash, 'hex') FROM unnest(${wanted}::text[]) AS hash) AS hashes)
      SELECT id, tenant_id, token_id, token_hash, signing_key_sealed,
        previous_token_id, previous_token_hash, previous_key_sealed, previous_until
      FROM devices
      WHERE token_hash = ANY ((SELECT hashes FROM wanted)::bytea[])
        OR previous_token_hash = ANY ((SELECT hashes FROM wanted)::bytea[])`;
    const found = new Map<string, FoundCredentials>(rows.flatMap(credentialsOf));
    return wanted.map((hash) => found.get(hash) ?? null);
  });
}

type OwnCredentialRow = Pick<
  CredentialRow,
  'id' | 'tenant_id' | 'token_id' | 'signing_key_sealed' | 'previous_token_id'
>;

const ownCredentials = (row: OwnCredentialRow): FoundCredentials => ({
  actor: { kind: 'device', tenantId: row.tenant_id, deviceId: row.id, credentialId: row.token_id },
  signingKeySealed: row.signing_key_sealed,
  untilMs: null,
  previousTokenId: row.previous_token_id,
});

/** By their tokens: the device's own, and those before. */
function credentialsOf(row: CredentialRow): [tokenHash: string, FoundCredentials][] {
  const device = { kind: 'device', tenantId: row.tenant_id, deviceId: row.id } as const;
  const own = ownCredentials(row);
  const { previous_token_id, previous_token_hash, previous_key_sealed, previous_until } = row;
  const hasPrevious = previous_token_id && previous_token_hash && previous_key_sealed && previous_until;
  if (!hasPrevious) return [[textOf(row.token_hash), own]];
  const previous: FoundCredentials = {
    actor: { ...device, credentialId: previous_token_id },
    signingKeySealed: previous_key_sealed,
    untilMs: previous_until.getTime(),
    previousTokenId: null,
  };
  return [
    [textOf(row.token_hash), own],
    [textOf(previous_token_hash), previous],
  ];
}

/** One transaction for each tenant: no role may write what belongs to several. A tenant whose write fails fails alone. */
async function saveAllSeen(database: Database, seen: readonly Seen[]): Promise<Promise<void>[]> {
  const ofTenants = new Map<TenantId, Map<DeviceId, number>>();
  for (const { actor, atMs } of seen) {
    const times = ofTenants.get(actor.tenantId) ?? new Map<DeviceId, number>();
    ofTenants.set(actor.tenantId, times.set(actor.deviceId, atMs));
  }
  const saved = new Map<TenantId, Promise<void>>();
  for (const [tenantId, times] of ofTenants) saved.set(tenantId, saveTimes(database, tenantId, times));
  await Promise.allSettled(saved.values());
  return seen.map(({ actor }) => saved.get(actor.tenantId) ?? Promise.resolve());
}

function saveTimes(
  database: Database,
  tenantId: TenantId,
  times: ReadonlyMap<DeviceId, number>,
): Promise<void> {
  const sorted = [...times].sort(([a], [b]) => (a < b ? -1 : 1));
  return database.tenant({ kind: 'service', tenantId, service: 'devices.seen' }, async (sql) => {
    await sql`
      UPDATE devices SET last_seen_at = seen.at
      FROM unnest(
        ${sorted.map(([deviceId]) => deviceId)}::uuid[],
        ${sorted.map(([, atMs]) => new Date(atMs).toISOString())}::timestamptz[]) AS seen (device_id, at)
      WHERE devices.tenant_id = ${tenantId} AND devices.id = seen.device_id`;
  });
}

/**
 * A key of signatures that comes later than the one of sessions is taken: who has the one has the other. Once there is one, no session goes
 * without it: else what moves money could be said unsigned, and disowned.
 */
function bindSessionKeys(
  database: Database,
  actor: DeviceActor,
  { publicKey, signatureKey }: SessionKeys,
): Promise<boolean> {
  return database.tenant(actor, async (sql) => {
    const { tenantId, deviceId, credentialId } = actor;
    const key = Buffer.from(publicKey);
    const signing = signatureKey === null ? null : Buffer.from(signatureKey);
    const known = await sql`
      SELECT FROM devices
      WHERE tenant_id = ${tenantId} AND id = ${deviceId} AND (
        (token_id = ${credentialId} AND session_key_token_id = token_id AND session_key = ${key}
          AND signature_key IS NOT DISTINCT FROM ${signing}::bytea)
        -- A token that another one has followed is good for a while longer, but binds no key any more.
        OR (previous_token_id = ${credentialId} AND (session_key IS NULL OR session_key = ${key})
          AND (signature_key IS NULL OR signature_key = ${signing}::bytea)))`;
    if (known.length > 0) return true;
    const bound = await sql`
      UPDATE devices SET session_key = ${key}, session_key_token_id = token_id,
        signature_key = CASE WHEN session_key_token_id = token_id THEN coalesce(signature_key, ${signing}) ELSE ${signing} END
      WHERE tenant_id = ${tenantId} AND id = ${deviceId} AND token_id = ${credentialId}
        AND (session_key_token_id IS DISTINCT FROM token_id OR (session_key = ${key}
          AND (signature_key IS NULL OR signature_key = ${signing}::bytea)))`;
    return bound.count > 0;
  });
}
