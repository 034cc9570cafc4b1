import type { Migration } from './migration.ts';

/** Rollouts of releases, and how far each of their devices is. */
export const rollouts: Migration = {
  name: '0094-rollouts',
  up: `
    CREATE TABLE rollouts (
      id uuid PRIMARY KEY,
      tenant_id uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
      release_id uuid NOT NULL,
      state text NOT NULL CHECK (state IN ('running', 'paused', 'completed', 'cancelled', 'aborted')),
      -- As it was asked for; the devices were found by it when the rollout was made.
      filter jsonb NOT NULL,
      allow_older boolean NOT NULL,
      at_once_max integer NOT NULL CHECK (at_once_max > 0),
      per_minute_max integer NOT NULL CHECK (per_minute_max > 0),
      failed_percent_max integer NOT NULL CHECK (failed_percent_max BETWEEN 0 AND 100),
      failed_after integer NOT NULL CHECK (failed_after > 0),
      device_timeout_seconds integer NOT NULL CHECK (device_timeout_seconds > 0),
      created_at timestamptz NOT NULL,
      ended_at timestamptz,
      UNIQUE (tenant_id, id),
      CHECK ((ended_at IS NULL) = (state IN ('running', 'paused'))),
      CONSTRAINT rollouts_of_release
        FOREIGN KEY (tenant_id, release_id) REFERENCES releases (tenant_id, id) ON DELETE CASCADE
    );
    CREATE INDEX rollouts_by_release ON rollouts (tenant_id, release_id);
    CREATE INDEX rollouts_by_creation ON rollouts (tenant_id, created_at, id);
    CREATE INDEX rollouts_open ON rollouts (id) WHERE ended_at IS NULL;

    CREATE TABLE rollout_devices (
      rollout_id uuid NOT NULL,
      tenant_id uuid NOT NULL,
      device_id uuid NOT NULL,
      -- Where it is told of it.
      network_id uuid NOT NULL,
      state text NOT NULL CHECK (state IN ('queued', 'initiated', 'downloading', 'downloaded', 'verified', 'updating', 'updated',
        'failed', 'refused', 'rolled_back', 'cancelled')),
      -- Why it failed or was refused.
      error_code text,
      byte_count bigint NOT NULL DEFAULT 0 CHECK (byte_count >= 0),
      started_at timestamptz,
      -- When it was told of it last.
      offered_at timestamptz,
      changed_at timestamptz NOT NULL,
      PRIMARY KEY (rollout_id, device_id),
      FOREIGN KEY (tenant_id, rollout_id) REFERENCES rollouts (tenant_id, id) ON DELETE CASCADE,
      FOREIGN KEY (tenant_id, device_id) REFERENCES devices (tenant_id, id) ON DELETE CASCADE
    ) WITH (fillfactor = 80);
    CREATE INDEX rollout_devices_by_state ON rollout_devices (rollout_id, state, device_id);
    CREATE INDEX rollout_devices_by_tenant ON rollout_devices (tenant_id, device_id);
    -- A device does one update at a time.
    CREATE UNIQUE INDEX rollout_devices_at_work ON rollout_devices (device_id)
      WHERE state IN ('initiated', 'downloading', 'downloaded', 'verified', 'updating');

    ALTER TABLE rollouts ENABLE ROW LEVEL SECURITY;
    ALTER TABLE rollouts FORCE ROW LEVEL SECURITY;
    ALTER TABLE rollout_devices ENABLE ROW LEVEL SECURITY;
    ALTER TABLE rollout_devices FORCE ROW LEVEL SECURITY;
    CREATE POLICY visible ON rollouts FOR SELECT TO yggdrasil_tenant USING (
      tenant_id = (SELECT current_tenant_id()) AND (SELECT sees_whole_tenant()));
    CREATE POLICY added ON rollouts FOR INSERT TO yggdrasil_tenant WITH CHECK (
      tenant_id = (SELECT current_tenant_id()) AND (SELECT administers_tenant()));
    CREATE POLICY changed ON rollouts FOR UPDATE TO yggdrasil_tenant USING (
      tenant_id = (SELECT current_tenant_id()) AND (SELECT administers_tenant()));
    CREATE POLICY removed ON rollouts FOR DELETE TO yggdrasil_tenant USING (
      tenant_id = (SELECT current_tenant_id()) AND (SELECT administers_tenant()));
    CREATE POLICY server ON rollouts TO yggdrasil_relay USING (true);
    CREATE POLICY visible ON rollout_devices FOR SELECT TO yggdrasil_tenant USING (
      tenant_id = (SELECT current_tenant_id()) AND (SELECT sees_whole_tenant()));
    CREATE POLICY added ON rollout_devices FOR INSERT TO yggdrasil_tenant WITH CHECK (
      tenant_id = (SELECT current_tenant_id()) AND (SELECT administers_tenant()));
    CREATE POLICY changed ON rollout_devices FOR UPDATE TO yggdrasil_tenant USING (
      tenant_id = (SELECT current_tenant_id()) AND (SELECT administers_tenant()));
    CREATE POLICY server ON rollout_devices TO yggdrasil_relay USING (true);

    GRANT SELECT, INSERT, DELETE ON rollouts TO yggdrasil_tenant;
    GRANT UPDATE (state, ended_at) ON rollouts TO yggdrasil_tenant, yggdrasil_relay;
    GRANT SELECT, INSERT ON rollout_devices TO yggdrasil_tenant;
    GRANT UPDATE (state, changed_at) ON rollout_devices TO yggdrasil_tenant;
    GRANT SELECT ON rollouts, rollout_devices TO yggdrasil_relay;
    GRANT UPDATE (state, error_code, byte_count, started_at, offered_at, changed_at) ON rollout_devices TO yggdrasil_relay;
  `,
  down: `
    DROP TABLE rollout_devices;
    DROP TABLE rollouts;
  `,
};
