import type { Migration } from './migration.ts';

/** The last refusals of each device. They belong to the device's tenant, and go with the device. */
export const refusals: Migration = {
  name: '0018-refusals',
  up: `
    CREATE TABLE device_refusals (
      id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      device_id uuid NOT NULL,
      tenant_id uuid NOT NULL,
      at timestamptz NOT NULL,
      transport text NOT NULL CHECK (transport IN ('websocket', 'mqtt')),
      topic text,
      code text NOT NULL,
      reason text NOT NULL,
      count integer NOT NULL,
      FOREIGN KEY (tenant_id, device_id) REFERENCES devices (tenant_id, id) ON DELETE CASCADE
    );
    CREATE INDEX device_refusals_by_device ON device_refusals (tenant_id, device_id, id);

    ALTER TABLE device_refusals ENABLE ROW LEVEL SECURITY;
    ALTER TABLE device_refusals FORCE ROW LEVEL SECURITY;
    CREATE POLICY server ON device_refusals TO yggdrasil_relay USING (true);
    CREATE POLICY visible ON device_refusals FOR SELECT TO yggdrasil_tenant USING (
      tenant_id = (SELECT current_tenant_id())
      AND ((SELECT sees_whole_tenant()) OR EXISTS (
        SELECT FROM network_members WHERE network_members.device_id = device_refusals.device_id
          AND network_id IN (SELECT visible_network_ids()))));

    GRANT SELECT, INSERT, DELETE ON device_refusals TO yggdrasil_relay;
    GRANT SELECT ON device_refusals TO yggdrasil_tenant;
  `,
  down: `
    DROP TABLE device_refusals;
  `,
};
