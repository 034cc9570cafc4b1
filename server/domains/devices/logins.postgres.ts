import type { AccountActor } from '../../kernel/actor.ts';
import type { Database, Sql } from '../../kernel/database.ts';
import type { CredentialId, DeviceId, TenantId } from '../../kernel/ids.ts';
import type { KeptLogin, LoginStore } from './login-types.ts';

interface LoginRow {
  name: string;
  password_hash: string;
  credential_id: CredentialId;
  id: DeviceId;
  tenant_id: TenantId;
  signing_key_sealed: Uint8Array;
}

/** Names and passwords of devices in PostgreSQL. */
export function createLoginStore(database: Database): LoginStore {
  return {
    replaceLogin: (actor, deviceId, login) =>
      database
        .tenant(actor, (sql) => replaceLogin(sql, actor, deviceId, login))
        .catch((error: unknown) => {
          const { code, constraint_name: constraint } = error as { code?: string; constraint_name?: string };
          if (code === '23505' && constraint === 'device_logins_name_key') return 'name_taken';
          // The device was removed meanwhile.
          if (code === '23503' && constraint === 'device_logins_device_id_fkey') return 'not_found';
          throw error;
        }),

    findLogin: (actor, deviceId) =>
      database.read(actor, async (sql) => {
        const [row] = await sql<{ name: string; changed_at: Date }[]>`
          SELECT name, changed_at FROM device_logins WHERE tenant_id = ${actor.tenantId} AND device_id = ${deviceId}`;
        return row === undefined ? null : { name: row.name, changedAtMs: row.changed_at.getTime() };
      }),

    removeLogin: (actor, deviceId) =>
      database.tenant(actor, (sql) => deleteLogin(sql, actor.tenantId, deviceId)),

    findByName: (name) =>
      database.system('identity', async (sql) => {
        const [row] = await sql<LoginRow[]>`
          SELECT login.name, login.password_hash, login.credential_id, device.id, device.tenant_id, device.signing_key_sealed
          FROM device_logins AS login JOIN devices AS device ON device.id = login.device_id
          WHERE login.name = ${name}`;
        if (row === undefined) return null;
        return {
          actor: {
            kind: 'device',
            tenantId: row.tenant_id,
            deviceId: row.id,
            credentialId: row.credential_id,
          },
          passwordHash: row.password_hash,
          signingKeySealed: row.signing_key_sealed,
        };
      }),
  };
}

async function deleteLogin(sql: Sql, tenantId: TenantId, deviceId: DeviceId): Promise<CredentialId | null> {
  const [removed] = await sql<{ credential_id: CredentialId }[]>`
    DELETE FROM device_logins WHERE tenant_id = ${tenantId} AND device_id = ${deviceId} RETURNING credential_id`;
  return removed?.credential_id ?? null;
}

/** One at a time for a device: two at once would each find none to remove. */
async function replaceLogin(sql: Sql, { tenantId }: AccountActor, deviceId: DeviceId, login: KeptLogin) {
  await sql`SELECT pg_advisory_xact_lock(hashtextextended(${`device-login:${deviceId}`}, 0))`;
  const replacedId = await deleteLogin(sql, tenantId, deviceId);
  await sql`
    INSERT INTO device_logins (device_id, tenant_id, name, password_hash, credential_id, changed_at)
    VALUES (${deviceId}, ${tenantId}, ${login.name}, ${login.passwordHash}, ${login.credentialId},
      ${new Date(login.changedAtMs)})`;
  return { replacedId };
}
