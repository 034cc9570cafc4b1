import type { Migration } from './migration.ts';

/** Actions that several devices are asked for as one. The part of each device is an action as any other. */
export const jointActions: Migration = {
  name: '0310-joint-actions',
  up: `
    CREATE TABLE joint_actions (
      -- Chosen by who asks.
      id uuid NOT NULL,
      -- The network's tenant.
      tenant_id uuid NOT NULL,
      network_id uuid NOT NULL,
      asker_id uuid NOT NULL,
      name text NOT NULL CHECK (length(name) BETWEEN 1 AND 128),
      arguments jsonb NOT NULL,
      priority smallint NOT NULL CHECK (priority BETWEEN 0 AND 9),
      timeout_ms integer NOT NULL CHECK (timeout_ms > 0),
      needed integer NOT NULL CHECK (needed > 0),
      outcome text CHECK (outcome IN ('done', 'failed', 'cancelled')),
      created_at timestamptz NOT NULL,
      deadline_at timestamptz NOT NULL,
      decided_at timestamptz,
      PRIMARY KEY (tenant_id, id),
      CHECK ((outcome IS NULL) = (decided_at IS NULL)),
      FOREIGN KEY (tenant_id, network_id) REFERENCES networks (tenant_id, id) ON DELETE CASCADE
    );
    CREATE INDEX joint_actions_by_age ON joint_actions (tenant_id, created_at);

    CREATE TABLE joint_action_parts (
      tenant_id uuid NOT NULL,
      joint_id uuid NOT NULL,
      network_id uuid NOT NULL,
      place integer NOT NULL,
      device_id uuid NOT NULL,
      action_id uuid NOT NULL,
      -- How it ended; null: it has not.
      state text CHECK (state IN ('done', 'failed', 'refused', 'timed_out', 'cancelled', 'unknown')),
      error_code text,
      error_message text,
      PRIMARY KEY (tenant_id, joint_id, device_id),
      FOREIGN KEY (tenant_id, joint_id) REFERENCES joint_actions (tenant_id, id) ON DELETE CASCADE
    );
    CREATE INDEX joint_action_parts_open ON joint_action_parts (tenant_id, joint_id) WHERE state IS NULL;

    ALTER TABLE joint_actions ENABLE ROW LEVEL SECURITY;
    ALTER TABLE joint_actions FORCE ROW LEVEL SECURITY;
    ALTER TABLE joint_action_parts ENABLE ROW LEVEL SECURITY;
    ALTER TABLE joint_action_parts FORCE ROW LEVEL SECURITY;
    CREATE POLICY visible ON joint_actions FOR SELECT TO yggdrasil_tenant USING (
      tenant_id = (SELECT current_tenant_id()) AND (SELECT current_account_id()) IS NOT NULL
        AND ((SELECT sees_whole_tenant()) OR network_id IN (SELECT visible_network_ids())));
    CREATE POLICY visible ON joint_action_parts FOR SELECT TO yggdrasil_tenant USING (
      tenant_id = (SELECT current_tenant_id()) AND (SELECT current_account_id()) IS NOT NULL
        AND ((SELECT sees_whole_tenant()) OR network_id IN (SELECT visible_network_ids())));
    CREATE POLICY server ON joint_actions TO yggdrasil_relay USING (true);
    CREATE POLICY server ON joint_action_parts TO yggdrasil_relay USING (true);
    GRANT SELECT ON joint_actions, joint_action_parts TO yggdrasil_tenant;
    GRANT SELECT, INSERT, UPDATE, DELETE ON joint_actions, joint_action_parts TO yggdrasil_relay;
  `,
  down: `
    DROP TABLE joint_action_parts;
    DROP TABLE joint_actions;
  `,
};
