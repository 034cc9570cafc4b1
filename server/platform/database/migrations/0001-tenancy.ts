import type { Migration } from './migration.ts';

/**
 * The two roles that every other migration grants to and writes policies for, and the function their policies ask.
 * Roles belong to the whole PostgreSQL cluster, so another database of the cluster may have made them, at this moment
 * even; `down` leaves them for the same reason. Without a tenant `current_tenant_id()` is null and equals no row's.
 */
export const tenancy: Migration = {
  name: '0001-tenancy',
  up: `
    DO $$
    DECLARE
      wanted text;
    BEGIN
      FOREACH wanted IN ARRAY ARRAY['yggdrasil_system', 'yggdrasil_tenant'] LOOP
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
    CREATE FUNCTION current_tenant_id() RETURNS uuid
      LANGUAGE sql STABLE PARALLEL SAFE
      RETURN nullif(current_setting('app.tenant_id', true), '')::uuid;
    REVOKE EXECUTE ON FUNCTION current_tenant_id() FROM PUBLIC;
    GRANT EXECUTE ON FUNCTION current_tenant_id() TO yggdrasil_tenant, yggdrasil_system;
    GRANT USAGE ON SCHEMA yggdrasil TO yggdrasil_tenant, yggdrasil_system;
  `,
  down: `
    REVOKE USAGE ON SCHEMA yggdrasil FROM yggdrasil_tenant, yggdrasil_system;
    DROP FUNCTION current_tenant_id();
    DO $$
    BEGIN
      EXECUTE format('GRANT TEMPORARY ON DATABASE %I TO PUBLIC', current_database());
    END
    $$;
  `,
};
