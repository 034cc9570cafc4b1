import type { Migration } from './migration.ts';

/** Invitations into tenants, renaming a tenant, and handing one over to another owner. */
export const invitations: Migration = {
  name: '0012-invitations',
  up: `
    CREATE TABLE invitations (
      id uuid PRIMARY KEY,
      tenant_id uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
      role text NOT NULL CHECK (role IN ('owner', 'administrator', 'member', 'guest')),
      -- False: for the networks in invitation_networks only.
      all_networks boolean NOT NULL,
      -- Null: for whoever has the token.
      address text CHECK (length(address) BETWEEN 3 AND 254),
      token_hash bytea NOT NULL UNIQUE CHECK (length(token_hash) = 32),
      invited_by uuid NOT NULL,
      created_at timestamptz NOT NULL,
      expires_at timestamptz NOT NULL,
      UNIQUE (tenant_id, id),
      -- Who is no member any more invites nobody.
      FOREIGN KEY (tenant_id, invited_by) REFERENCES memberships (tenant_id, account_id) ON DELETE CASCADE,
      CHECK (all_networks OR role IN ('member', 'guest')),
      CHECK (NOT all_networks OR role <> 'guest')
    );
    CREATE INDEX invitations_by_tenant ON invitations (tenant_id, created_at, id);
    CREATE INDEX invitations_by_inviter ON invitations (tenant_id, invited_by);
    CREATE INDEX invitations_by_expiry ON invitations (expires_at);
    CREATE TABLE invitation_networks (
      tenant_id uuid NOT NULL,
      invitation_id uuid NOT NULL,
      network_id uuid NOT NULL,
      PRIMARY KEY (tenant_id, invitation_id, network_id),
      FOREIGN KEY (tenant_id, invitation_id) REFERENCES invitations (tenant_id, id) ON DELETE CASCADE,
      CONSTRAINT invitation_networks_of_network
        FOREIGN KEY (tenant_id, network_id) REFERENCES networks (tenant_id, id) ON DELETE CASCADE
    );
    CREATE INDEX invitation_networks_by_network ON invitation_networks (tenant_id, network_id);

    ALTER TABLE invitations ENABLE ROW LEVEL SECURITY;
    ALTER TABLE invitations FORCE ROW LEVEL SECURITY;
    ALTER TABLE invitation_networks ENABLE ROW LEVEL SECURITY;
    ALTER TABLE invitation_networks FORCE ROW LEVEL SECURITY;
    CREATE POLICY administered ON invitations TO yggdrasil_tenant USING (
      tenant_id = (SELECT current_tenant_id()) AND (SELECT administers_tenant()));
    CREATE POLICY administered ON invitation_networks TO yggdrasil_tenant USING (
      tenant_id = (SELECT current_tenant_id()) AND (SELECT administers_tenant()));
    CREATE POLICY administered ON tenants AS RESTRICTIVE FOR UPDATE TO yggdrasil_tenant USING (
      id = (SELECT current_tenant_id()) AND (SELECT administers_tenant()));
    CREATE POLICY server ON invitations TO yggdrasil_identity USING (true);
    CREATE POLICY server ON invitation_networks TO yggdrasil_identity USING (true);
    -- Not the token: who may see invitations may not redeem them for others.
    GRANT SELECT (id, tenant_id, role, all_networks, address, invited_by, created_at, expires_at), INSERT, DELETE
      ON invitations TO yggdrasil_tenant;
    GRANT SELECT, INSERT, DELETE ON invitation_networks TO yggdrasil_tenant;
    GRANT UPDATE (name) ON tenants TO yggdrasil_tenant;
    GRANT SELECT, DELETE ON invitations TO yggdrasil_identity;
    -- Locks a row that it takes.
    GRANT UPDATE (expires_at) ON invitations TO yggdrasil_identity;
    GRANT SELECT ON invitation_networks TO yggdrasil_identity;
    GRANT INSERT, DELETE ON membership_networks TO yggdrasil_identity;
    GRANT UPDATE (role, all_networks) ON memberships TO yggdrasil_identity;
    GRANT UPDATE (home_tenant_id) ON accounts TO yggdrasil_identity;
    GRANT DELETE ON network_members TO yggdrasil_identity;
  `,
  down: `
    REVOKE DELETE ON network_members FROM yggdrasil_identity;
    REVOKE UPDATE (home_tenant_id) ON accounts FROM yggdrasil_identity;
    REVOKE UPDATE (role, all_networks) ON memberships FROM yggdrasil_identity;
    REVOKE INSERT, DELETE ON membership_networks FROM yggdrasil_identity;
    REVOKE UPDATE (name) ON tenants FROM yggdrasil_tenant;
    DROP POLICY administered ON tenants;
    DROP TABLE invitation_networks;
    DROP TABLE invitations;
  `,
};
