import type { Migration } from './migration.ts';

/**
 * Tenants, accounts, who is a member of what, the accounts' tokens, and the code that makes the first operator.
 *
 * Policies must look into the membership of who acts, and a policy that reads its own table would ask itself for ever.
 * So they ask functions that run as the owner of the tables, who by the policies named `functions` reads the
 * memberships of the current tenant and those of the account that acts, and nothing else.
 */
export const accounts: Migration = {
  name: '0002-accounts',
  up: `
    CREATE TABLE tenants (
      id uuid PRIMARY KEY,
      name text NOT NULL DEFAULT 'Home' CHECK (length(name) BETWEEN 1 AND 100),
      created_at timestamptz NOT NULL DEFAULT now()
    );
    CREATE TABLE accounts (
      id uuid PRIMARY KEY,
      home_tenant_id uuid NOT NULL UNIQUE REFERENCES tenants,
      name text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
      operator boolean NOT NULL DEFAULT false,
      created_at timestamptz NOT NULL DEFAULT now()
    );
    CREATE INDEX accounts_by_creation ON accounts (created_at, id);
    CREATE TABLE memberships (
      tenant_id uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
      account_id uuid NOT NULL,
      role text NOT NULL CHECK (role IN ('owner', 'administrator', 'member', 'guest')),
      -- False: for the networks in membership_networks only.
      all_networks boolean NOT NULL,
      created_at timestamptz NOT NULL DEFAULT now(),
      PRIMARY KEY (tenant_id, account_id),
      CONSTRAINT memberships_of_account FOREIGN KEY (account_id) REFERENCES accounts ON DELETE CASCADE,
      CHECK (all_networks OR role IN ('member', 'guest')),
      CHECK (NOT all_networks OR role <> 'guest')
    );
    CREATE INDEX memberships_by_account ON memberships (account_id, tenant_id);
    CREATE TABLE account_tokens (
      id uuid PRIMARY KEY,
      account_id uuid NOT NULL REFERENCES accounts ON DELETE CASCADE,
      -- How it is made and how long it lasts; whatever it is, whoever has it is the account.
      kind text NOT NULL CHECK (kind IN ('personal')),
      name text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
      token_hash bytea NOT NULL UNIQUE CHECK (length(token_hash) = 32),
      created_at timestamptz NOT NULL DEFAULT now()
    );
    CREATE INDEX account_tokens_by_account ON account_tokens (account_id, created_at, id);
    CREATE TABLE setup_code (
      only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
      code_hash bytea NOT NULL CHECK (length(code_hash) = 32)
    );

    -- No account and no device is the server itself, acting for the whole tenant.
    CREATE FUNCTION sees_whole_tenant() RETURNS boolean
      LANGUAGE sql STABLE SECURITY DEFINER SET search_path = yggdrasil, pg_temp
      RETURN CASE
        WHEN (SELECT current_account_id()) IS NOT NULL THEN EXISTS (
          SELECT FROM memberships
          WHERE tenant_id = (SELECT current_tenant_id()) AND account_id = (SELECT current_account_id()) AND all_networks)
        ELSE (SELECT current_device_id()) IS NULL END;
    CREATE FUNCTION administers_tenant() RETURNS boolean
      LANGUAGE sql STABLE SECURITY DEFINER SET search_path = yggdrasil, pg_temp
      RETURN CASE
        WHEN (SELECT current_account_id()) IS NOT NULL THEN EXISTS (
          SELECT FROM memberships
          WHERE tenant_id = (SELECT current_tenant_id()) AND account_id = (SELECT current_account_id())
            AND role IN ('owner', 'administrator'))
        ELSE (SELECT current_device_id()) IS NULL END;
    CREATE FUNCTION changes_devices() RETURNS boolean
      LANGUAGE sql STABLE SECURITY DEFINER SET search_path = yggdrasil, pg_temp
      RETURN CASE
        WHEN (SELECT current_account_id()) IS NOT NULL THEN EXISTS (
          SELECT FROM memberships
          WHERE tenant_id = (SELECT current_tenant_id()) AND account_id = (SELECT current_account_id()) AND role <> 'guest')
        ELSE (SELECT current_device_id()) IS NULL END;
    REVOKE EXECUTE ON FUNCTION sees_whole_tenant(), administers_tenant(), changes_devices() FROM PUBLIC;
    GRANT EXECUTE ON FUNCTION sees_whole_tenant(), administers_tenant(), changes_devices() TO yggdrasil_tenant;

    ALTER TABLE tenants ENABLE ROW LEVEL SECURITY;
    ALTER TABLE tenants FORCE ROW LEVEL SECURITY;
    ALTER TABLE accounts ENABLE ROW LEVEL SECURITY;
    ALTER TABLE accounts FORCE ROW LEVEL SECURITY;
    ALTER TABLE memberships ENABLE ROW LEVEL SECURITY;
    ALTER TABLE memberships FORCE ROW LEVEL SECURITY;
    ALTER TABLE account_tokens ENABLE ROW LEVEL SECURITY;
    ALTER TABLE account_tokens FORCE ROW LEVEL SECURITY;
    ALTER TABLE setup_code ENABLE ROW LEVEL SECURITY;
    ALTER TABLE setup_code FORCE ROW LEVEL SECURITY;

    CREATE POLICY own_tenant ON tenants TO yggdrasil_tenant USING (id = (SELECT current_tenant_id()));
    -- Whose membership one sees, that account one sees.
    CREATE POLICY members ON accounts FOR SELECT TO yggdrasil_tenant USING (EXISTS (
      SELECT FROM memberships WHERE tenant_id = (SELECT current_tenant_id()) AND account_id = accounts.id));
    CREATE POLICY visible ON memberships FOR SELECT TO yggdrasil_tenant USING (
      tenant_id = (SELECT current_tenant_id()) AND (account_id = (SELECT current_account_id()) OR (SELECT sees_whole_tenant())));
    CREATE POLICY added ON memberships FOR INSERT TO yggdrasil_tenant WITH CHECK (
      tenant_id = (SELECT current_tenant_id()) AND (SELECT administers_tenant()));
    CREATE POLICY changed ON memberships FOR UPDATE TO yggdrasil_tenant USING (
      tenant_id = (SELECT current_tenant_id()) AND (SELECT administers_tenant()));
    CREATE POLICY removed ON memberships FOR DELETE TO yggdrasil_tenant USING (
      tenant_id = (SELECT current_tenant_id()) AND (account_id = (SELECT current_account_id()) OR (SELECT administers_tenant())));
    CREATE POLICY functions ON memberships FOR SELECT TO CURRENT_USER USING (
      tenant_id = (SELECT current_tenant_id()) OR account_id = (SELECT current_account_id()));
    -- A token is its account's alone, in whichever of its tenants the account acts.
    CREATE POLICY own ON account_tokens TO yggdrasil_tenant USING (
      account_id = (SELECT current_account_id()) AND EXISTS (
        SELECT FROM memberships
        WHERE tenant_id = (SELECT current_tenant_id()) AND account_id = (SELECT current_account_id())));
    CREATE POLICY server ON tenants TO yggdrasil_identity USING (true);
    CREATE POLICY server ON accounts TO yggdrasil_identity USING (true);
    CREATE POLICY server ON memberships TO yggdrasil_identity USING (true);
    CREATE POLICY server ON account_tokens TO yggdrasil_identity USING (true);
    CREATE POLICY server ON setup_code TO yggdrasil_identity USING (true);

    GRANT SELECT ON tenants, accounts TO yggdrasil_tenant;
    GRANT SELECT, INSERT, DELETE ON memberships TO yggdrasil_tenant;
    GRANT UPDATE (role, all_networks) ON memberships TO yggdrasil_tenant;
    GRANT SELECT (id, account_id, kind, name, created_at), INSERT, DELETE ON account_tokens TO yggdrasil_tenant;
    -- Identity
    GRANT SELECT, INSERT ON tenants, accounts, memberships, account_tokens TO yggdrasil_identity;
    GRANT SELECT, INSERT, UPDATE, DELETE ON setup_code TO yggdrasil_identity;
  `,
  down: `
    DROP TABLE setup_code;
    DROP TABLE account_tokens;
    DROP POLICY members ON accounts;
    DROP POLICY visible ON memberships;
    DROP POLICY added ON memberships;
    DROP POLICY changed ON memberships;
    DROP POLICY removed ON memberships;
    DROP FUNCTION changes_devices();
    DROP FUNCTION administers_tenant();
    DROP FUNCTION sees_whole_tenant();
    DROP TABLE memberships;
    DROP TABLE accounts;
    DROP TABLE tenants;
  `,
};
