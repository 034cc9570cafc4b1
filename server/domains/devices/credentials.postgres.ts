import type { Database } from '../../kernel/database.ts';
import type { CredentialId, DeviceId, TenantId } from '../../kernel/ids.ts';
import type { DeviceStore } from './ports.ts';

interface CredentialRow {
  id: DeviceId;
  tenant_id: TenantId;
  token_id: CredentialId;
  signing_key_sealed: Uint8Array;
}

/** The part of the devices' store that devices themselves ask, and the server about their credentials. */
export function createCredentialRows(
  database: Database,
): Pick<DeviceStore, 'saveCapabilities' | 'saveLastSeen' | 'findByToken' | 'findAnySealedKey'> {
  return {
    saveCapabilities: (actor, capabilities) =>
      database.tenant(actor, async (sql) => {
        await sql`
          UPDATE devices SET capabilities = ${sql.json({ ...capabilities })}
          WHERE tenant_id = ${actor.tenantId} AND id = ${actor.deviceId}`;
      }),

    saveLastSeen: (actor, atMs) =>
      database.tenant(actor, async (sql) => {
        await sql`
          UPDATE devices SET last_seen_at = ${new Date(atMs)}
          WHERE tenant_id = ${actor.tenantId} AND id = ${actor.deviceId}`;
      }),

    findByToken: (tokenHash) =>
      database.system('identity', async (sql) => {
        const [row] = await sql<CredentialRow[]>`
          SELECT id, tenant_id, token_id, signing_key_sealed FROM devices WHERE token_hash = ${tokenHash}`;
        if (row === undefined) return null;
        return {
          actor: { kind: 'device', tenantId: row.tenant_id, deviceId: row.id, credentialId: row.token_id },
          signingKeySealed: row.signing_key_sealed,
        };
      }),

    findAnySealedKey: () =>
      database.system('identity', async (sql) => {
        const [row] = await sql<Omit<CredentialRow, 'token_id'>[]>`
          SELECT id, tenant_id, signing_key_sealed FROM devices LIMIT 1`;
        if (row === undefined) return null;
        return { tenantId: row.tenant_id, deviceId: row.id, signingKeySealed: row.signing_key_sealed };
      }),
  };
}
