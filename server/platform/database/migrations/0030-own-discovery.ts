import type { Migration } from './migration.ts';

/** Devices that announce themselves to a Home Assistant: the server doesn't in their place. They go when they leave the network. */
export const ownDiscovery: Migration = {
  name: '0030-own-discovery',
  up: `
    CREATE TABLE discovery_devices (
      network_id uuid NOT NULL,
      tenant_id uuid NOT NULL,
      device_id uuid NOT NULL,
      PRIMARY KEY (network_id, device_id),
      FOREIGN KEY (tenant_id, network_id) REFERENCES networks (tenant_id, id) ON DELETE CASCADE,
      FOREIGN KEY (network_id, device_id) REFERENCES network_members ON DELETE CASCADE
    );

    ALTER TABLE discovery_devices ENABLE ROW LEVEL SECURITY;
    ALTER TABLE discovery_devices FORCE ROW LEVEL SECURITY;
    CREATE POLICY server ON discovery_devices TO yggdrasil_relay USING (true);

    GRANT SELECT, INSERT ON discovery_devices TO yggdrasil_relay;
  `,
  down: `
    DROP TABLE discovery_devices;
  `,
};
