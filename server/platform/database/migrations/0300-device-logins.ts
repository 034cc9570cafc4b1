import type { Migration } from './migration.ts';

/** Names and passwords by which devices sign in over MQTT. A name is good in the whole server; the server makes its end, so that a taken one tells nothing. */
export const deviceLogins: Migration = {
  name: '0300-device-logins',
  up: `
    CREATE TABLE device_logins (
      device_id uuid PRIMARY KEY REFERENCES devices ON DELETE CASCADE,
      tenant_id uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
      name text NOT NULL UNIQUE CHECK (length(name) BETWEEN 8 AND 22),
      password_hash text NOT NULL CHECK (length(password_hash) BETWEEN 1 AND 200),
      -- Another one with each password: what was opened with the one before is found by it.
      credential_id uuid NOT NULL,
      changed_at timestamptz NOT NULL
    );
    CREATE INDEX device_logins_by_tenant ON device_logins (tenant_id);

    ALTER TABLE device_logins ENABLE ROW LEVEL SECURITY;
    ALTER TABLE device_logins FORCE ROW LEVEL SECURITY;
    -- Who sees a device sees its name; who changes devices changes it.
    CREATE POLICY visible ON device_logins FOR SELECT TO yggdrasil_tenant USING (
      tenant_id = (SELECT current_tenant_id())
      AND EXISTS (SELECT FROM devices WHERE devices.tenant_id = device_logins.tenant_id AND id = device_id));
    CREATE POLICY added ON device_logins FOR INSERT TO yggdrasil_tenant WITH CHECK (
      tenant_id = (SELECT current_tenant_id()) AND (SELECT changes_devices())
      AND EXISTS (SELECT FROM devices WHERE devices.tenant_id = device_logins.tenant_id AND id = device_id));
    CREATE POLICY removed ON device_logins FOR DELETE TO yggdrasil_tenant USING (
      tenant_id = (SELECT current_tenant_id()) AND (SELECT changes_devices())
      AND EXISTS (SELECT FROM devices WHERE devices.tenant_id = device_logins.tenant_id AND id = device_id));
    CREATE POLICY server ON device_logins TO yggdrasil_identity USING (true);

    -- Not the hash: it is read where a device signs in, and nowhere else.
    GRANT SELECT (device_id, tenant_id, name, credential_id, changed_at), INSERT, DELETE ON device_logins TO yggdrasil_tenant;
    GRANT SELECT ON device_logins TO yggdrasil_identity;
  `,
  down: `
    DROP TABLE device_logins;
  `,
};
