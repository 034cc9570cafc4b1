import type { Migration } from './migration.ts';

/** Tenants, their users, the users' tokens, and the code that makes the first operator. */
export const users: Migration = {
  name: '0002-users',
  up: `
    CREATE TABLE tenants (
      id uuid PRIMARY KEY,
      created_at timestamptz NOT NULL DEFAULT now()
    );
    CREATE TABLE users (
      id uuid PRIMARY KEY,
      tenant_id uuid NOT NULL REFERENCES tenants,
      name text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
      operator boolean NOT NULL DEFAULT false,
      created_at timestamptz NOT NULL DEFAULT now(),
      UNIQUE (tenant_id, id)
    );
    CREATE INDEX users_by_creation ON users (created_at, id);
    CREATE TABLE user_tokens (
      token_hash bytea PRIMARY KEY CHECK (length(token_hash) = 32),
      tenant_id uuid NOT NULL,
      account_id uuid NOT NULL,
      created_at timestamptz NOT NULL DEFAULT now(),
      FOREIGN KEY (tenant_id, account_id) REFERENCES users (tenant_id, id) ON DELETE CASCADE
    );
    CREATE TABLE setup_code (
      only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
      code_hash bytea NOT NULL CHECK (length(code_hash) = 32)
    );

    ALTER TABLE tenants ENABLE ROW LEVEL SECURITY;
    ALTER TABLE tenants FORCE ROW LEVEL SECURITY;
    ALTER TABLE users ENABLE ROW LEVEL SECURITY;
    ALTER TABLE users FORCE ROW LEVEL SECURITY;
    ALTER TABLE user_tokens ENABLE ROW LEVEL SECURITY;
    ALTER TABLE user_tokens FORCE ROW LEVEL SECURITY;
    ALTER TABLE setup_code ENABLE ROW LEVEL SECURITY;
    ALTER TABLE setup_code FORCE ROW LEVEL SECURITY;

    CREATE POLICY own_tenant ON tenants TO yggdrasil_tenant USING (id = (SELECT current_tenant_id()));
    CREATE POLICY own_tenant ON users TO yggdrasil_tenant USING (tenant_id = (SELECT current_tenant_id()));
    CREATE POLICY server ON tenants TO yggdrasil_identity USING (true);
    CREATE POLICY server ON users TO yggdrasil_identity USING (true);
    CREATE POLICY server ON user_tokens TO yggdrasil_identity USING (true);
    CREATE POLICY server ON setup_code TO yggdrasil_identity USING (true);

    GRANT SELECT ON tenants, users TO yggdrasil_tenant;
    GRANT SELECT, INSERT ON tenants, users, user_tokens TO yggdrasil_identity;
    GRANT SELECT, INSERT, UPDATE, DELETE ON setup_code TO yggdrasil_identity;
  `,
  down: `
    DROP TABLE setup_code;
    DROP TABLE user_tokens;
    DROP TABLE users;
    DROP TABLE tenants;
  `,
};
