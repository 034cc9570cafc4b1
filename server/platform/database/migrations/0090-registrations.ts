import type { Migration } from './migration.ts';

/**
 * What owners of devices sell on the market, and what was decided about it. Registrations are written by the server alone, each together
 * with its decision: a tenant's own role reads them, so that nobody approves itself.
 */
export const registrations: Migration = {
  name: '0090-registrations',
  up: `
    CREATE TABLE marketplace_registrations (
      -- The id that the market knows the device by.
      provider_id uuid PRIMARY KEY,
      tenant_id uuid NOT NULL,
      device_id uuid NOT NULL UNIQUE,
      -- Who said what it sells: its owner, whose word binds, or the device's program, which announces it.
      origin text NOT NULL CHECK (origin IN ('owner', 'device')),
      terms jsonb NOT NULL CHECK (octet_length(terms::text) <= 131072),
      is_active boolean NOT NULL,
      state text NOT NULL CHECK (state IN ('waiting', 'approved', 'refused')),
      -- What its last test showed; null: none was made.
      last_test jsonb CHECK (octet_length(last_test::text) <= 4096),
      created_at timestamptz NOT NULL,
      changed_at timestamptz NOT NULL,
      -- Null: it is registered.
      removed_at timestamptz,
      FOREIGN KEY (tenant_id, device_id) REFERENCES devices (tenant_id, id) ON DELETE CASCADE
    );
    CREATE INDEX marketplace_registrations_by_tenant ON marketplace_registrations (tenant_id, provider_id);
    CREATE INDEX marketplace_registrations_undecided ON marketplace_registrations (state, provider_id)
      WHERE removed_at IS NULL;
    CREATE TABLE marketplace_decisions (
      id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      tenant_id uuid NOT NULL,
      provider_id uuid NOT NULL REFERENCES marketplace_registrations ON DELETE CASCADE,
      outcome text NOT NULL CHECK (outcome IN ('waiting', 'approved', 'refused')),
      -- Which rule decided; 'operator' for a person.
      rule text NOT NULL CHECK (rule ~ '^[a-z_]{1,64}$'),
      reason text NOT NULL CHECK (length(reason) BETWEEN 1 AND 200),
      -- The operator's account; null: the rule alone.
      decided_by uuid,
      decided_at timestamptz NOT NULL
    );
    CREATE INDEX marketplace_decisions_of_provider ON marketplace_decisions (provider_id, id DESC);

    -- Devices that have offered before keep their ids. The owner of the tables is under their policies, too, and has none.
    ALTER TABLE marketplace_providers NO FORCE ROW LEVEL SECURITY;
    ALTER TABLE devices NO FORCE ROW LEVEL SECURITY;
    INSERT INTO marketplace_registrations (provider_id, tenant_id, device_id, origin, terms, is_active, state, created_at,
      changed_at)
    SELECT provider.id, provider.tenant_id, provider.device_id, 'device',
      jsonb_build_object('models', '[]'::jsonb, 'slots', provider.slots), true, 'approved', provider.offered_at,
      provider.offered_at
    FROM marketplace_providers provider
      JOIN devices ON devices.tenant_id = provider.tenant_id AND devices.id = provider.device_id;
    INSERT INTO marketplace_decisions (tenant_id, provider_id, outcome, rule, reason, decided_at)
    SELECT tenant_id, provider_id, 'approved', 'valid', 'It was on the market before.', created_at
    FROM marketplace_registrations;
    ALTER TABLE marketplace_providers FORCE ROW LEVEL SECURITY;
    ALTER TABLE devices FORCE ROW LEVEL SECURITY;

    ALTER TABLE marketplace_registrations ENABLE ROW LEVEL SECURITY;
    ALTER TABLE marketplace_registrations FORCE ROW LEVEL SECURITY;
    ALTER TABLE marketplace_decisions ENABLE ROW LEVEL SECURITY;
    ALTER TABLE marketplace_decisions FORCE ROW LEVEL SECURITY;
    CREATE POLICY own_tenant ON marketplace_registrations FOR SELECT TO yggdrasil_tenant USING (
      tenant_id = (SELECT current_tenant_id()) AND (SELECT sees_whole_tenant()));
    CREATE POLICY own_tenant ON marketplace_decisions FOR SELECT TO yggdrasil_tenant USING (
      tenant_id = (SELECT current_tenant_id()) AND (SELECT sees_whole_tenant()));
    CREATE POLICY server ON marketplace_registrations TO yggdrasil_money USING (true);
    CREATE POLICY server ON marketplace_decisions TO yggdrasil_money USING (true);
    GRANT SELECT ON marketplace_registrations, marketplace_decisions TO yggdrasil_tenant;
    GRANT SELECT, INSERT, UPDATE ON marketplace_registrations TO yggdrasil_money;
    GRANT SELECT, INSERT, DELETE ON marketplace_decisions TO yggdrasil_money;
  `,
  down: `
    DROP TABLE marketplace_decisions;
    DROP TABLE marketplace_registrations;
  `,
};
