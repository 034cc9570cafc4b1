import type { Migration } from './migration.ts';

/**
 * What devices were asked to do, and what has become of it. An action belongs to the network, and goes when its device leaves
 * that.
 */
export const actions: Migration = {
  name: '0088-actions',
  up: `
    CREATE TABLE actions (
      -- Chosen by who asks.
      id uuid NOT NULL,
      -- The network's tenant.
      tenant_id uuid NOT NULL,
      network_id uuid NOT NULL,
      device_id uuid NOT NULL,
      asker_kind text NOT NULL CHECK (asker_kind IN ('account', 'device')),
      asker_id uuid NOT NULL,
      -- Devices one after another that asked in the course of another's action.
      chain uuid[] NOT NULL,
      name text NOT NULL CHECK (length(name) BETWEEN 1 AND 128),
      arguments jsonb NOT NULL,
      priority smallint NOT NULL CHECK (priority BETWEEN 0 AND 9),
      timeout_ms integer NOT NULL CHECK (timeout_ms > 0),
      state text NOT NULL CHECK (state IN
        ('queued', 'sent', 'begun', 'done', 'failed', 'refused', 'timed_out', 'cancelled', 'unknown')),
      fraction double precision CHECK (fraction BETWEEN 0 AND 1),
      progress_text text CHECK (length(progress_text) <= 500),
      result jsonb NOT NULL DEFAULT '{}',
      error_code text,
      error_message text,
      created_at timestamptz NOT NULL,
      deadline_at timestamptz NOT NULL,
      sent_at timestamptz,
      begun_at timestamptz,
      ended_at timestamptz,
      -- It is in the network's stream as a command, which comes to the device by itself.
      in_stream boolean NOT NULL DEFAULT false,
      -- The id of that command: ids of actions are chosen by who asks, and are unique within a tenant only.
      command_id uuid NOT NULL UNIQUE,
      last_event integer NOT NULL DEFAULT 0,
      last_report integer NOT NULL DEFAULT 0,
      result_bytes integer NOT NULL DEFAULT 0,
      PRIMARY KEY (tenant_id, id),
      CHECK ((state IN ('queued', 'sent', 'begun')) = (ended_at IS NULL)),
      FOREIGN KEY (tenant_id, network_id) REFERENCES networks (tenant_id, id) ON DELETE CASCADE,
      CONSTRAINT actions_of_device FOREIGN KEY (network_id, device_id) REFERENCES network_members ON DELETE CASCADE
    );
    CREATE INDEX actions_by_time ON actions (tenant_id, created_at, id);
    CREATE INDEX actions_by_device ON actions (network_id, device_id, created_at);
    CREATE INDEX actions_by_asker ON actions (asker_id);
    CREATE INDEX actions_open ON actions (deadline_at) WHERE ended_at IS NULL;
    CREATE INDEX actions_open_of_device ON actions (network_id, device_id) WHERE ended_at IS NULL;
    CREATE INDEX actions_open_of_tenant ON actions (tenant_id) WHERE ended_at IS NULL;
    CREATE INDEX actions_ended ON actions (tenant_id, ended_at) WHERE ended_at IS NOT NULL;

    CREATE TABLE action_events (
      tenant_id uuid NOT NULL,
      action_id uuid NOT NULL,
      number integer NOT NULL CHECK (number > 0),
      at timestamptz NOT NULL,
      kind text NOT NULL CHECK (kind IN ('begun', 'progress', 'chunk', 'end')),
      fraction double precision,
      text text,
      content bytea CHECK (octet_length(content) <= 16384),
      state text,
      error_code text,
      result jsonb,
      PRIMARY KEY (tenant_id, action_id, number),
      FOREIGN KEY (tenant_id, action_id) REFERENCES actions (tenant_id, id) ON DELETE CASCADE
    );

    ALTER TABLE actions ENABLE ROW LEVEL SECURITY;
    ALTER TABLE actions FORCE ROW LEVEL SECURITY;
    ALTER TABLE action_events ENABLE ROW LEVEL SECURITY;
    ALTER TABLE action_events FORCE ROW LEVEL SECURITY;
    -- A device sees what it asked for; an account what is in the networks that it sees.
    CREATE POLICY visible ON actions FOR SELECT TO yggdrasil_tenant USING (
      ((SELECT current_device_id()) IS NOT NULL AND asker_id = (SELECT current_device_id()))
      OR (tenant_id = (SELECT current_tenant_id()) AND (SELECT current_account_id()) IS NOT NULL
        AND ((SELECT sees_whole_tenant()) OR network_id IN (SELECT visible_network_ids()))));
    CREATE POLICY server ON actions TO yggdrasil_relay USING (true);
    CREATE POLICY server ON action_events TO yggdrasil_relay USING (true);
    GRANT SELECT ON actions TO yggdrasil_tenant;
    GRANT SELECT, INSERT, UPDATE, DELETE ON actions TO yggdrasil_relay;
    GRANT SELECT, INSERT ON action_events TO yggdrasil_relay;
  `,
  down: `
    DROP TABLE action_events;
    DROP TABLE actions;
  `,
};
