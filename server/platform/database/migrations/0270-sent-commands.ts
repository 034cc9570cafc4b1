import type { Migration } from './migration.ts';

/** The commands that people and programs have sent to devices, as each tenant has sent them, and what became of them. */
export const sentCommands: Migration = {
  name: '0270-sent-commands',
  up: `
    CREATE TABLE sent_commands (
      id uuid PRIMARY KEY,
      device_id uuid NOT NULL REFERENCES devices ON DELETE CASCADE,
      network_id uuid NOT NULL REFERENCES networks ON DELETE CASCADE,
      tenant_id uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
      account_id uuid NOT NULL,
      sent_at timestamptz NOT NULL,
      name text NOT NULL,
      arguments jsonb NOT NULL,
      answered_at timestamptz,
      error_code text
    );
    CREATE INDEX sent_commands_by_device ON sent_commands (tenant_id, device_id, sent_at DESC, id DESC);
    CREATE INDEX sent_commands_of_device ON sent_commands (device_id);
    CREATE INDEX sent_commands_of_network ON sent_commands (network_id);

    ALTER TABLE sent_commands ENABLE ROW LEVEL SECURITY;
    ALTER TABLE sent_commands FORCE ROW LEVEL SECURITY;
    CREATE POLICY visible ON sent_commands FOR SELECT TO yggdrasil_tenant USING (
      tenant_id = (SELECT current_tenant_id())
      AND ((SELECT sees_whole_tenant()) OR network_id IN (SELECT visible_network_ids())));
    CREATE POLICY added ON sent_commands FOR INSERT TO yggdrasil_tenant
      WITH CHECK (tenant_id = (SELECT current_tenant_id()));
    CREATE POLICY removed ON sent_commands FOR DELETE TO yggdrasil_tenant
      USING (tenant_id = (SELECT current_tenant_id()));
    CREATE POLICY server ON sent_commands TO yggdrasil_relay USING (true);

    GRANT SELECT, INSERT, DELETE ON sent_commands TO yggdrasil_tenant;
    GRANT SELECT, UPDATE ON sent_commands TO yggdrasil_relay;
  `,
  down: `
    DROP TABLE sent_commands;
  `,
};
