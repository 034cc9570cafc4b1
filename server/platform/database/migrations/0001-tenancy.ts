import type { Migration } from './migration.ts';

/**
 * The roles that every other migration grants to and writes policies for, one for each pool, and the functions that their
 * policies ask. Roles belong to the whole PostgreSQL cluster, so another database of the cluster may have made them, at
 * this moment even; `down` leaves them for the same reason.
 *
 * A transaction says for whom it runs in the setting `app.scope`: `<tenant>|<account>|<device>|<HMAC-SHA256 in hex>`, an
 * account or device that isn't meant being empty. The setting can be set by any statement, so the functions believe it only
 * with the signature, whose key nobody but they can read. Without a scope they are null and equal no row's. Policies ask
 * them as `(SELECT current_tenant_id())`, which PostgreSQL works out once for a statement instead of once for a row.
 */
export const tenancy: Migration = {
  name: '0001-tenancy',
  up: `
    DO $$
    DECLARE
      wanted text;
    BEGIN
      FOREACH wanted IN ARRAY ARRAY['yggdrasil_tenant', 'yggdrasil_identity', 'yggdrasil_relay', 'yggdrasil_money',
          'yggdrasil_node'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted) THEN
          BEGIN
            EXECUTE format('CREATE ROLE %I NOLOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE', wanted);
          EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL;
          END;
        END IF;
      END LOOP;
      EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database());
    END
    $$;

    -- Read by current_scope() only, which runs as its owner.
    CREATE TABLE scope_key (
      only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
      inner_pad bytea NOT NULL CHECK (length(inner_pad) = 64),
      outer_pad bytea NOT NULL CHECK (length(outer_pad) = 64)
    );
    ALTER TABLE scope_key ENABLE ROW LEVEL SECURITY;
    ALTER TABLE scope_key FORCE ROW LEVEL SECURITY;
    CREATE POLICY owner ON scope_key TO CURRENT_USER USING (true);

    CREATE FUNCTION current_scope() RETURNS text[]
      LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = yggdrasil, pg_temp
      AS $$
      DECLARE
        given CONSTANT text := nullif(current_setting('app.scope', true), '');
        content CONSTANT text := left(given, -65);
        key scope_key;
      BEGIN
        IF given IS NULL THEN
          RETURN NULL;
        END IF;
        SELECT * INTO key FROM scope_key;
        IF encode(sha256(key.outer_pad || sha256(key.inner_pad || convert_to(content, 'UTF8'))), 'hex')
            IS DISTINCT FROM right(given, 64) THEN
          RAISE EXCEPTION 'app.scope is not signed by the server' USING ERRCODE = 'insufficient_privilege';
        END IF;
        RETURN string_to_array(content, '|');
      END
      $$;
    CREATE FUNCTION current_tenant_id() RETURNS uuid
      LANGUAGE sql STABLE PARALLEL SAFE
      RETURN nullif((current_scope())[1], '')::uuid;
    CREATE FUNCTION current_account_id() RETURNS uuid
      LANGUAGE sql STABLE PARALLEL SAFE
      RETURN nullif((current_scope())[2], '')::uuid;
    CREATE FUNCTION current_device_id() RETURNS uuid
      LANGUAGE sql STABLE PARALLEL SAFE
      RETURN nullif((current_scope())[3], '')::uuid;

    REVOKE EXECUTE ON FUNCTION current_scope(), current_tenant_id(), current_account_id(), current_device_id()
      FROM PUBLIC;
    GRANT EXECUTE ON FUNCTION current_scope(), current_tenant_id(), current_account_id(), current_device_id()
      TO yggdrasil_tenant;
    GRANT USAGE ON SCHEMA yggdrasil
      TO yggdrasil_tenant, yggdrasil_identity, yggdrasil_relay, yggdrasil_money, yggdrasil_node;
  `,
  down: `
    REVOKE USAGE ON SCHEMA yggdrasil
      FROM yggdrasil_tenant, yggdrasil_identity, yggdrasil_relay, yggdrasil_money, yggdrasil_node;
    DROP FUNCTION current_device_id();
    DROP FUNCTION current_account_id();
    DROP FUNCTION current_tenant_id();
    DROP FUNCTION current_scope();
    DROP TABLE scope_key;
    DO $$
    BEGIN
      EXECUTE format('GRANT TEMPORARY ON DATABASE %I TO PUBLIC', current_database());
    END
    $$;
  `,
};
