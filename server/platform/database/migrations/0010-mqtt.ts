import type { Migration } from './migration.ts';

/**
 * What plain MQTT leaves behind, by network: retained messages, wills, lasting sessions with their subscriptions, queues and
 * open QoS 2 handshakes. Only the server itself reads and writes it, for the tenant that owns the network.
 */
export const mqtt: Migration = {
  name: '0010-mqtt',
  up: `
    CREATE TABLE mqtt_retained (
      network_id uuid NOT NULL,
      tenant_id uuid NOT NULL,
      topic text NOT NULL,
      payload bytea NOT NULL,
      qos smallint NOT NULL,
      properties jsonb,
      expires_at timestamptz,
      PRIMARY KEY (network_id, topic),
      FOREIGN KEY (tenant_id, network_id) REFERENCES networks (tenant_id, id) ON DELETE CASCADE
    );
    CREATE TABLE mqtt_wills (
      network_id uuid NOT NULL,
      tenant_id uuid NOT NULL,
      client_id text NOT NULL,
      broker_id text NOT NULL,
      topic text NOT NULL,
      payload bytea NOT NULL,
      qos smallint NOT NULL,
      retain boolean NOT NULL,
      properties jsonb,
      expires_at timestamptz,
      PRIMARY KEY (network_id, client_id),
      FOREIGN KEY (tenant_id, network_id) REFERENCES networks (tenant_id, id) ON DELETE CASCADE
    );
    CREATE TABLE mqtt_sessions (
      network_id uuid NOT NULL,
      tenant_id uuid NOT NULL,
      client_id text NOT NULL,
      began_at timestamptz NOT NULL,
      PRIMARY KEY (network_id, client_id),
      FOREIGN KEY (tenant_id, network_id) REFERENCES networks (tenant_id, id) ON DELETE CASCADE
    );
    CREATE TABLE mqtt_subscriptions (
      network_id uuid NOT NULL,
      tenant_id uuid NOT NULL,
      client_id text NOT NULL,
      filter text NOT NULL,
      qos smallint NOT NULL,
      options jsonb NOT NULL,
      PRIMARY KEY (network_id, client_id, filter),
      FOREIGN KEY (network_id, client_id) REFERENCES mqtt_sessions ON DELETE CASCADE
    );
    CREATE TABLE mqtt_queued (
      network_id uuid NOT NULL,
      tenant_id uuid NOT NULL,
      client_id text NOT NULL,
      position bigint NOT NULL,
      topic text NOT NULL,
      payload bytea NOT NULL,
      qos smallint NOT NULL,
      retain boolean NOT NULL,
      properties jsonb,
      expires_at timestamptz,
      message_id integer,
      -- The message was received; PUBREL is what is sent again.
      is_released boolean NOT NULL,
      PRIMARY KEY (network_id, client_id, position),
      FOREIGN KEY (network_id, client_id) REFERENCES mqtt_sessions ON DELETE CASCADE
    );
    CREATE TABLE mqtt_handshakes (
      network_id uuid NOT NULL,
      tenant_id uuid NOT NULL,
      client_id text NOT NULL,
      message_id integer NOT NULL,
      PRIMARY KEY (network_id, client_id, message_id),
      FOREIGN KEY (network_id, client_id) REFERENCES mqtt_sessions ON DELETE CASCADE
    );

    ALTER TABLE mqtt_retained ENABLE ROW LEVEL SECURITY;
    ALTER TABLE mqtt_retained FORCE ROW LEVEL SECURITY;
    ALTER TABLE mqtt_wills ENABLE ROW LEVEL SECURITY;
    ALTER TABLE mqtt_wills FORCE ROW LEVEL SECURITY;
    ALTER TABLE mqtt_sessions ENABLE ROW LEVEL SECURITY;
    ALTER TABLE mqtt_sessions FORCE ROW LEVEL SECURITY;
    ALTER TABLE mqtt_subscriptions ENABLE ROW LEVEL SECURITY;
    ALTER TABLE mqtt_subscriptions FORCE ROW LEVEL SECURITY;
    ALTER TABLE mqtt_queued ENABLE ROW LEVEL SECURITY;
    ALTER TABLE mqtt_queued FORCE ROW LEVEL SECURITY;
    ALTER TABLE mqtt_handshakes ENABLE ROW LEVEL SECURITY;
    ALTER TABLE mqtt_handshakes FORCE ROW LEVEL SECURITY;

    -- The server itself, for a tenant: no account and no device.
    CREATE POLICY server ON mqtt_retained TO yggdrasil_tenant USING (tenant_id = (SELECT current_tenant_id())
      AND (SELECT current_account_id()) IS NULL AND (SELECT current_device_id()) IS NULL);
    CREATE POLICY server ON mqtt_wills TO yggdrasil_tenant USING (tenant_id = (SELECT current_tenant_id())
      AND (SELECT current_account_id()) IS NULL AND (SELECT current_device_id()) IS NULL);
    CREATE POLICY server ON mqtt_sessions TO yggdrasil_tenant USING (tenant_id = (SELECT current_tenant_id())
      AND (SELECT current_account_id()) IS NULL AND (SELECT current_device_id()) IS NULL);
    CREATE POLICY server ON mqtt_subscriptions TO yggdrasil_tenant USING (tenant_id = (SELECT current_tenant_id())
      AND (SELECT current_account_id()) IS NULL AND (SELECT current_device_id()) IS NULL);
    CREATE POLICY server ON mqtt_queued TO yggdrasil_tenant USING (tenant_id = (SELECT current_tenant_id())
      AND (SELECT current_account_id()) IS NULL AND (SELECT current_device_id()) IS NULL);
    CREATE POLICY server ON mqtt_handshakes TO yggdrasil_tenant USING (tenant_id = (SELECT current_tenant_id())
      AND (SELECT current_account_id()) IS NULL AND (SELECT current_device_id()) IS NULL);

    GRANT SELECT, INSERT, UPDATE, DELETE
      ON mqtt_retained, mqtt_wills, mqtt_sessions, mqtt_subscriptions, mqtt_queued, mqtt_handshakes TO yggdrasil_tenant;
  `,
  down: `
    DROP TABLE mqtt_handshakes;
    DROP TABLE mqtt_queued;
    DROP TABLE mqtt_subscriptions;
    DROP TABLE mqtt_sessions;
    DROP TABLE mqtt_wills;
    DROP TABLE mqtt_retained;
  `,
};
