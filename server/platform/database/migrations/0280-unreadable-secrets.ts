import type { Migration } from './migration.ts';

/**
 * What a device proves itself with is written in a tenant's transactions, and read by nobody there: a condition on a column that the role
 * may read tells, asked often enough, what stands in other tenants' rows (README of the database). So the database itself moves the former
 * token and key aside.
 */
export const unreadableSecrets: Migration = {
  name: '0280-unreadable-secrets',
  up: `
    CREATE FUNCTION keep_previous_credentials() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        IF NEW.previous_until IS NULL THEN
          NEW.previous_token_id := NULL;
          NEW.previous_token_hash := NULL;
          NEW.previous_key_sealed := NULL;
        ELSE
          NEW.previous_token_id := OLD.token_id;
          NEW.previous_token_hash := OLD.token_hash;
          NEW.previous_key_sealed := OLD.signing_key_sealed;
        END IF;
        RETURN NEW;
      END
    $$;
    CREATE TRIGGER keep_previous_credentials BEFORE UPDATE OF token_hash ON devices
      FOR EACH ROW EXECUTE FUNCTION keep_previous_credentials();

    REVOKE SELECT ON devices FROM yggdrasil_tenant;
    GRANT SELECT (id, tenant_id, name, world_type, token_id, capabilities, last_seen_at, created_at, assigned_id, previous_token_id,
      previous_until, session_key, session_key_token_id, signature_key) ON devices TO yggdrasil_tenant;
    REVOKE UPDATE (previous_token_id, previous_token_hash, previous_key_sealed) ON devices FROM yggdrasil_tenant;
  `,
  down: `
    REVOKE SELECT (id, tenant_id, name, world_type, token_id, capabilities, last_seen_at, created_at, assigned_id, previous_token_id,
      previous_until, session_key, session_key_token_id, signature_key) ON devices FROM yggdrasil_tenant;
    GRANT SELECT ON devices TO yggdrasil_tenant;
    -- In this order, so that the grants are exactly those of before.
    REVOKE UPDATE (previous_token_id, previous_token_hash, previous_key_sealed) ON devices FROM yggdrasil_identity;
    GRANT UPDATE (previous_token_id, previous_token_hash, previous_key_sealed) ON devices TO yggdrasil_tenant;
    GRANT UPDATE (previous_token_id, previous_token_hash, previous_key_sealed) ON devices TO yggdrasil_identity;
    DROP TRIGGER keep_previous_credentials ON devices;
    DROP FUNCTION keep_previous_credentials();
  `,
};
