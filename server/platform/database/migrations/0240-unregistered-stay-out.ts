import type { Migration } from './migration.ts';

/** A device that is removed leaves its place: one with a certificate must not take it, or another of its authority's, again. */
export const unregisteredStayOut: Migration = {
  name: '0240-unregistered-stay-out',
  up: `
    ALTER TABLE bootstrap_devices DROP CONSTRAINT bootstrap_devices_device_id_fkey;
    CREATE INDEX bootstrap_keys_by_authority ON bootstrap_keys (tenant_id, authority) WHERE authority IS NOT NULL;
  `,
  down: `
    DROP INDEX bootstrap_keys_by_authority;
    ALTER TABLE bootstrap_devices NO FORCE ROW LEVEL SECURITY;
    DELETE FROM bootstrap_devices
      WHERE device_id IS NOT NULL AND NOT EXISTS (SELECT FROM devices WHERE id = bootstrap_devices.device_id);
    ALTER TABLE bootstrap_devices FORCE ROW LEVEL SECURITY;
    ALTER TABLE bootstrap_devices
      ADD CONSTRAINT bootstrap_devices_device_id_fkey FOREIGN KEY (device_id) REFERENCES devices ON DELETE CASCADE;
  `,
};
