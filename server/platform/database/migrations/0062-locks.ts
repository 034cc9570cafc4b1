import type { Migration } from './migration.ts';

/** Locks: names in a tenant, a network or a device, and who holds them or waits for them. They go with their scope. */
export const locks: Migration = {
  name: '0062-locks',
  up: `
    CREATE TABLE locks (
      id uuid PRIMARY KEY,
      tenant_id uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
      network_id uuid,
      device_id uuid,
      -- Ids are unique among all three.
      scope_id uuid NOT NULL GENERATED ALWAYS AS (coalesce(network_id, device_id, tenant_id)) STORED,
      -- Empty: no lock, but where the tokens of this scope's new names begin.
      name text NOT NULL CHECK (length(name) <= 200),
      last_token bigint NOT NULL CHECK (last_token >= 0),
      -- Until when nobody gets it, since a holder has expired.
      write_delay_until timestamptz,
      read_delay_until timestamptz,
      used_at timestamptz NOT NULL,
      CHECK (network_id IS NULL OR device_id IS NULL),
      FOREIGN KEY (tenant_id, network_id) REFERENCES networks (tenant_id, id) ON DELETE CASCADE,
      FOREIGN KEY (tenant_id, device_id) REFERENCES devices (tenant_id, id) ON DELETE CASCADE,
      UNIQUE (tenant_id, id),
      UNIQUE (tenant_id, scope_id, name)
    ) WITH (fillfactor = 80);
    CREATE INDEX locks_by_network ON locks (tenant_id, network_id) WHERE network_id IS NOT NULL;
    CREATE INDEX locks_by_device ON locks (tenant_id, device_id) WHERE device_id IS NOT NULL;

    CREATE TABLE lock_claims (
      principal_id uuid NOT NULL,
      id uuid NOT NULL,
      principal_kind text NOT NULL CHECK (principal_kind IN ('account', 'device')),
      tenant_id uuid NOT NULL,
      lock_id uuid NOT NULL,
      holder text NOT NULL CHECK (length(holder) BETWEEN 1 AND 200),
      mode text NOT NULL CHECK (mode IN ('write', 'read')),
      priority smallint NOT NULL CHECK (priority BETWEEN 0 AND 9),
      effective_priority smallint NOT NULL CHECK (effective_priority BETWEEN priority AND 9),
      arrival bigint NOT NULL,
      lease_ms integer NOT NULL CHECK (lease_ms > 0),
      delay_ms integer NOT NULL CHECK (delay_ms >= 0),
      state text NOT NULL CHECK (state IN ('waiting', 'held', 'ended')),
      ended_by text CHECK (ended_by IN ('expired', 'preempted', 'deadlock')),
      token bigint CHECK (token > 0),
      since timestamptz NOT NULL,
      -- Of the lease; of one that waits, of its place; of one that has ended, of what is known of it.
      expires_at timestamptz NOT NULL,
      PRIMARY KEY (principal_id, id),
      CHECK ((state = 'ended') = (ended_by IS NOT NULL)),
      CHECK (state <> 'held' OR token IS NOT NULL),
      FOREIGN KEY (tenant_id, lock_id) REFERENCES locks (tenant_id, id) ON DELETE CASCADE
    );
    CREATE INDEX lock_claims_by_lock ON lock_claims (tenant_id, lock_id);
    CREATE INDEX lock_claims_waiting ON lock_claims (tenant_id) WHERE state = 'waiting';
    CREATE INDEX lock_claims_by_expiry ON lock_claims (expires_at);
    -- In which order claims began to wait.
    CREATE SEQUENCE lock_arrivals;

    ALTER TABLE locks ENABLE ROW LEVEL SECURITY;
    ALTER TABLE locks FORCE ROW LEVEL SECURITY;
    ALTER TABLE lock_claims ENABLE ROW LEVEL SECURITY;
    ALTER TABLE lock_claims FORCE ROW LEVEL SECURITY;
    CREATE POLICY server ON locks TO yggdrasil_relay USING (true);
    CREATE POLICY server ON lock_claims TO yggdrasil_relay USING (true);
    CREATE POLICY visible ON locks FOR SELECT TO yggdrasil_tenant USING (
      network_id IN (SELECT visible_network_ids())
      OR (tenant_id = (SELECT current_tenant_id())
        AND ((SELECT sees_whole_tenant())
          OR ((SELECT current_device_id()) IS NOT NULL AND network_id IS NULL AND device_id IS NULL)
          OR EXISTS (SELECT FROM devices WHERE devices.id = device_id))));
    -- A device also sees those of a network of another tenant that it is in.
    CREATE POLICY visible ON lock_claims FOR SELECT TO yggdrasil_tenant USING (
      (tenant_id = (SELECT current_tenant_id()) OR (SELECT current_device_id()) IS NOT NULL)
      AND EXISTS (SELECT FROM locks WHERE locks.id = lock_id));
    CREATE POLICY functions ON lock_claims TO CURRENT_USER USING (true);
    GRANT SELECT, INSERT, UPDATE, DELETE ON locks, lock_claims TO yggdrasil_relay;
    GRANT USAGE ON SEQUENCE lock_arrivals TO yggdrasil_relay;
    GRANT SELECT ON locks, lock_claims TO yggdrasil_tenant;

    -- True when a lock of the current tenant is held to write under this token, and will be until this transaction has ended: whoever
    -- would take it away waits for that. For transactions that change what the lock guards.
    CREATE FUNCTION holds_lock(lock uuid, lock_token bigint) RETURNS boolean
      LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = yggdrasil, pg_temp
      AS $$
      BEGIN
        PERFORM FROM lock_claims
          WHERE tenant_id = current_tenant_id() AND lock_id = lock AND token = lock_token AND state = 'held' AND mode = 'write'
            AND expires_at > clock_timestamp()
          FOR SHARE;
        RETURN FOUND;
      END
      $$;
    REVOKE EXECUTE ON FUNCTION holds_lock(uuid, bigint) FROM PUBLIC;
    GRANT EXECUTE ON FUNCTION holds_lock(uuid, bigint) TO yggdrasil_tenant;
  `,
  down: `
    DROP FUNCTION holds_lock(uuid, bigint);
    DROP TABLE lock_claims;
    DROP TABLE locks;
    DROP SEQUENCE lock_arrivals;
  `,
};
