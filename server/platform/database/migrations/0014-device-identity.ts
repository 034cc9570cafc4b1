import type { Migration } from './migration.ts';

/** The id that an owner gives a device, and one more kind of devices. */
export const deviceIdentity: Migration = {
  name: '0014-device-identity',
  up: `
    ALTER TABLE devices
      ADD assigned_id text CHECK (assigned_id ~ '^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$'),
      DROP CONSTRAINT devices_world_type_check,
      ADD CONSTRAINT devices_world_type_check
        CHECK (world_type IN ('jotunheim', 'midgard', 'alfheim', 'asgard', 'ragnarok'));
    -- Only who sees every device of a tenant gives ids, so this tells nobody of one it can't see.
    CREATE UNIQUE INDEX devices_assigned_id_taken ON devices (tenant_id, lower(assigned_id));
    GRANT UPDATE (assigned_id) ON devices TO yggdrasil_tenant;
  `,
  down: `
    REVOKE UPDATE (assigned_id) ON devices FROM yggdrasil_tenant;
    ALTER TABLE devices NO FORCE ROW LEVEL SECURITY;
    UPDATE devices SET world_type = 'midgard' WHERE world_type = 'ragnarok';
    ALTER TABLE devices FORCE ROW LEVEL SECURITY;
    ALTER TABLE devices DROP assigned_id, DROP CONSTRAINT devices_world_type_check,
      ADD CONSTRAINT devices_world_type_check CHECK (world_type IN ('jotunheim', 'midgard', 'alfheim', 'asgard'));
  `,
};
