import type { Migration } from './migration.ts';

/**
 * The nodes that run and the jobs each has taken; which device is connected to which node; the stored frames of each
 * network in one order, how far each device has read, and the last nonces of each source.
 */
export const relay: Migration = {
  name: '0004-relay',
  up: `
    CREATE SEQUENCE node_fencing_numbers AS bigint;
    CREATE TABLE nodes (
      id uuid PRIMARY KEY,
      fencing_number bigint NOT NULL UNIQUE,
      started_at timestamptz NOT NULL DEFAULT now(),
      lease_until timestamptz NOT NULL
    );
    CREATE TABLE node_jobs (
      job text PRIMARY KEY,
      node_id uuid NOT NULL REFERENCES nodes ON DELETE CASCADE
    );
    CREATE INDEX node_jobs_by_node ON node_jobs (node_id);
    CREATE TABLE presence (
      node_id uuid NOT NULL REFERENCES nodes ON DELETE CASCADE,
      device_id uuid NOT NULL,
      tenant_id uuid NOT NULL,
      connected_at timestamptz NOT NULL,
      PRIMARY KEY (node_id, device_id)
    );
    CREATE INDEX presence_by_device ON presence (device_id);
    CREATE TABLE relay_streams (
      network_id uuid PRIMARY KEY,
      tenant_id uuid NOT NULL,
      epoch uuid NOT NULL,
      head bigint NOT NULL DEFAULT 0,
      FOREIGN KEY (tenant_id, network_id) REFERENCES networks (tenant_id, id) ON DELETE CASCADE
    );
    CREATE TABLE relay_frames (
      network_id uuid NOT NULL REFERENCES relay_streams ON DELETE CASCADE,
      stream_offset bigint NOT NULL,
      tenant_id uuid NOT NULL,
      frame_id uuid NOT NULL,
      source_id uuid NOT NULL,
      destination_id uuid,
      content bytea NOT NULL,
      stored_at timestamptz NOT NULL,
      PRIMARY KEY (network_id, stream_offset),
      UNIQUE (source_id, frame_id)
    );
    CREATE INDEX relay_frames_by_age ON relay_frames (stored_at);
    CREATE TABLE relay_cursors (
      network_id uuid NOT NULL REFERENCES relay_streams ON DELETE CASCADE,
      device_id uuid NOT NULL,
      tenant_id uuid NOT NULL,
      stream_offset bigint NOT NULL,
      joined_offset bigint NOT NULL DEFAULT 0,
      PRIMARY KEY (network_id, device_id)
    );
    CREATE TABLE relay_nonces (
      device_id uuid PRIMARY KEY,
      tenant_id uuid NOT NULL,
      last_nonce bigint NOT NULL,
      -- Which of the last nonces were used: the first bit is last_nonce, each further one a nonce below.
      recent bit(1024) NOT NULL
    );

    ALTER TABLE nodes ENABLE ROW LEVEL SECURITY;
    ALTER TABLE nodes FORCE ROW LEVEL SECURITY;
    ALTER TABLE node_jobs ENABLE ROW LEVEL SECURITY;
    ALTER TABLE node_jobs FORCE ROW LEVEL SECURITY;
    ALTER TABLE presence ENABLE ROW LEVEL SECURITY;
    ALTER TABLE presence FORCE ROW LEVEL SECURITY;
    ALTER TABLE relay_streams ENABLE ROW LEVEL SECURITY;
    ALTER TABLE relay_streams FORCE ROW LEVEL SECURITY;
    ALTER TABLE relay_frames ENABLE ROW LEVEL SECURITY;
    ALTER TABLE relay_frames FORCE ROW LEVEL SECURITY;
    ALTER TABLE relay_cursors ENABLE ROW LEVEL SECURITY;
    ALTER TABLE relay_cursors FORCE ROW LEVEL SECURITY;
    ALTER TABLE relay_nonces ENABLE ROW LEVEL SECURITY;
    ALTER TABLE relay_nonces FORCE ROW LEVEL SECURITY;

    CREATE POLICY server ON nodes TO yggdrasil_node, yggdrasil_relay, yggdrasil_money USING (true);
    CREATE POLICY server ON node_jobs TO yggdrasil_node USING (true);
    CREATE POLICY server ON presence TO yggdrasil_relay USING (true);
    CREATE POLICY visible ON relay_streams TO yggdrasil_tenant USING (
      tenant_id = (SELECT current_tenant_id())
      AND ((SELECT sees_whole_tenant()) OR network_id IN (SELECT visible_network_ids())));
    -- A device reads what is for it or for everybody, in its networks, also in those of other tenants.
    CREATE POLICY visible ON relay_frames TO yggdrasil_tenant USING (
      CASE WHEN (SELECT current_device_id()) IS NULL THEN tenant_id = (SELECT current_tenant_id())
          AND ((SELECT sees_whole_tenant()) OR network_id IN (SELECT visible_network_ids()))
        ELSE network_id IN (SELECT visible_network_ids())
          AND (destination_id IS NULL OR (SELECT current_device_id()) IN (destination_id, source_id)) END);
    CREATE POLICY visible ON relay_cursors TO yggdrasil_tenant USING (
      tenant_id = (SELECT current_tenant_id())
      AND ((SELECT sees_whole_tenant()) OR network_id IN (SELECT visible_network_ids())));
    CREATE POLICY server ON relay_streams TO yggdrasil_relay USING (true);
    CREATE POLICY server ON relay_frames TO yggdrasil_relay USING (true);
    CREATE POLICY server ON relay_cursors TO yggdrasil_relay USING (true);
    CREATE POLICY server ON relay_nonces TO yggdrasil_relay USING (true);

    GRANT SELECT, INSERT, UPDATE, DELETE ON nodes, node_jobs TO yggdrasil_node;
    GRANT USAGE ON SEQUENCE node_fencing_numbers TO yggdrasil_node;
    -- Who writes locks the row of its own node, so that its lease can't be taken meanwhile. Locking takes an UPDATE grant.
    GRANT SELECT, UPDATE (lease_until) ON nodes TO yggdrasil_relay, yggdrasil_money;
    GRANT SELECT, INSERT, UPDATE, DELETE ON presence TO yggdrasil_relay;
    GRANT SELECT ON relay_streams, relay_frames, relay_cursors TO yggdrasil_tenant;
    GRANT SELECT, INSERT, UPDATE ON relay_streams TO yggdrasil_relay;
    GRANT SELECT, INSERT, UPDATE, DELETE ON relay_cursors, relay_nonces TO yggdrasil_relay;
    GRANT SELECT, INSERT, DELETE ON relay_frames TO yggdrasil_relay;
  `,
  down: `
    DROP TABLE relay_nonces;
    DROP TABLE relay_cursors;
    DROP TABLE relay_frames;
    DROP TABLE relay_streams;
    DROP TABLE presence;
    DROP TABLE node_jobs;
    DROP TABLE nodes;
    DROP SEQUENCE node_fencing_numbers;
  `,
};
