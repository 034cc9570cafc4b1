import type { Migration } from './migration.ts';

/** What is wanted of devices and what they say that they are. It belongs to the network's tenant, and goes when the device leaves. */
export const shadow: Migration = {
  name: '0028-shadow',
  up: `
    CREATE TABLE device_shadows (
      network_id uuid NOT NULL,
      tenant_id uuid NOT NULL,
      device_id uuid NOT NULL,
      desired jsonb NOT NULL DEFAULT '{}',
      desired_version bigint NOT NULL DEFAULT 0,
      desired_at timestamptz,
      reported jsonb NOT NULL DEFAULT '{}',
      reported_version bigint NOT NULL DEFAULT 0,
      reported_at timestamptz,
      -- What the device was sent by a command.
      told_version bigint NOT NULL DEFAULT 0,
      bytes integer NOT NULL,
      PRIMARY KEY (network_id, device_id),
      FOREIGN KEY (tenant_id, network_id) REFERENCES networks (tenant_id, id) ON DELETE CASCADE,
      FOREIGN KEY (network_id, device_id) REFERENCES network_members ON DELETE CASCADE
    );
    CREATE INDEX device_shadows_untold ON device_shadows (device_id) WHERE told_version < desired_version;

    ALTER TABLE device_shadows ENABLE ROW LEVEL SECURITY;
    ALTER TABLE device_shadows FORCE ROW LEVEL SECURITY;
    CREATE POLICY server ON device_shadows TO yggdrasil_relay USING (true);
    CREATE POLICY visible ON device_shadows FOR SELECT TO yggdrasil_tenant USING (
      tenant_id = (SELECT current_tenant_id())
      AND ((SELECT sees_whole_tenant()) OR network_id IN (SELECT visible_network_ids())));
    CREATE POLICY added ON device_shadows FOR INSERT TO yggdrasil_tenant WITH CHECK (
      tenant_id = (SELECT current_tenant_id()) AND (SELECT changes_devices())
      AND ((SELECT sees_whole_tenant()) OR network_id IN (SELECT visible_network_ids())));
    CREATE POLICY changed ON device_shadows FOR UPDATE TO yggdrasil_tenant USING (
      tenant_id = (SELECT current_tenant_id()) AND (SELECT changes_devices())
      AND ((SELECT sees_whole_tenant()) OR network_id IN (SELECT visible_network_ids())));

    GRANT SELECT, INSERT, UPDATE ON device_shadows TO yggdrasil_relay;
    GRANT SELECT, INSERT ON device_shadows TO yggdrasil_tenant;
    GRANT UPDATE (desired, desired_version, desired_at, bytes) ON device_shadows TO yggdrasil_tenant;
  `,
  down: `
    DROP TABLE device_shadows;
  `,
};
