import type { Migration } from './migration.ts';

/**
 * What never reached its device. It belongs to the network's tenant, and goes when the device leaves. A queued message knows who
 * published it, who is told when it is dropped.
 */
export const drops: Migration = {
  name: '0096-drops',
  up: `
    CREATE TABLE device_drops (
      id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      network_id uuid NOT NULL,
      tenant_id uuid NOT NULL,
      device_id uuid NOT NULL,
      device_end text NOT NULL CHECK (device_end IN ('sender', 'receiver')),
      cause text NOT NULL CHECK (cause IN ('queue_full', 'session_expired', 'frame_expired')),
      count integer NOT NULL,
      topics jsonb NOT NULL,
      frame_ids jsonb NOT NULL,
      since timestamptz NOT NULL,
      at timestamptz NOT NULL,
      FOREIGN KEY (tenant_id, network_id) REFERENCES networks (tenant_id, id) ON DELETE CASCADE,
      FOREIGN KEY (network_id, device_id) REFERENCES network_members ON DELETE CASCADE
    );
    CREATE INDEX device_drops_by_device ON device_drops (device_id, network_id, id);

    ALTER TABLE device_drops ENABLE ROW LEVEL SECURITY;
    ALTER TABLE device_drops FORCE ROW LEVEL SECURITY;
    CREATE POLICY server ON device_drops TO yggdrasil_relay USING (true);
    CREATE POLICY visible ON device_drops FOR SELECT TO yggdrasil_tenant USING (
      tenant_id = (SELECT current_tenant_id())
      AND ((SELECT sees_whole_tenant()) OR network_id IN (SELECT visible_network_ids())));

    GRANT SELECT, INSERT, DELETE ON device_drops TO yggdrasil_relay;
    GRANT SELECT ON device_drops TO yggdrasil_tenant;

    ALTER TABLE mqtt_queued ADD COLUMN publisher text;
  `,
  down: `
    ALTER TABLE mqtt_queued DROP COLUMN publisher;
    DROP TABLE device_drops;
  `,
};
