import type { Database } from '../../kernel/database.ts';
import type { DeviceId, TenantId } from '../../kernel/ids.ts';
import type { DeviceStore } from './ports.ts';
import { type MembershipRow, toMembership } from './rows.ts';

interface CredentialRow {
  id: DeviceId;
  tenant_id: TenantId;
  signing_key_sealed: Uint8Array;
}

/** The part of the devices' store that devices themselves ask, and the server about their credentials. */
export function createCredentialRows(
  database: Database,
): Pick<
  DeviceStore,
  'saveCapabilities' | 'saveLastSeen' | 'findByToken' | 'findMemberships' | 'findAnySealedKey' | 'isMember'
> {
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
          SELECT id, tenant_id, signing_key_sealed FROM devices WHERE token_hash = ${tokenHash}`;
        if (row === undefined) return null;
        const memberships = await sql<MembershipRow[]>`
          SELECT network_id, tenant_id, joined_at FROM network_members
          WHERE device_tenant_id = ${row.tenant_id} AND device_id = ${row.id} ORDER BY network_id`;
        return {
          actor: { kind: 'device', tenantId: row.tenant_id, deviceId: row.id },
          memberships: memberships.map(toMembership),
          signingKeySealed: row.signing_key_sealed,
        };
      }),

    findMemberships: (actor) =>
      database.tenant(actor, async (sql) => {
        const { tenantId, deviceId } = actor;
        const devices = await sql`SELECT 1 FROM devices WHERE tenant_id = ${tenantId} AND id = ${deviceId}`;
        if (devices.length === 0) return null;
        const memberships = await sql<MembershipRow[]>`
          SELECT network_id, tenant_id, joined_at FROM network_members
          WHERE device_tenant_id = ${tenantId} AND device_id = ${deviceId} ORDER BY network_id`;
        return memberships.map(toMembership);
      }),

    findAnySealedKey: () =>
      database.system('identity', async (sql) => {
        const [row] = await sql<CredentialRow[]>`
          SELECT id, tenant_id, signing_key_sealed FROM devices LIMIT 1`;
        if (row === undefined) return null;
        return { tenantId: row.tenant_id, deviceId: row.id, signingKeySealed: row.signing_key_sealed };
      }),

    isMember: (actor, networkId, deviceId) =>
      database.tenant(actor, async (sql) => {
        const rows = await sql`
          SELECT 1 FROM network_members
          WHERE network_id = ${networkId} AND device_id = ${deviceId}
            AND tenant_id = (
              SELECT tenant_id FROM network_members
              WHERE network_id = ${networkId}
                AND device_tenant_id = ${actor.tenantId} AND device_id = ${actor.deviceId})`;
        return rows.length > 0;
      }),
  };
}
