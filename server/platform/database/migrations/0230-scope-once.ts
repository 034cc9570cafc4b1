import type { Migration } from './migration.ts';

/** Begins a function that runs as the owner: `scope` is that of the transaction, null where there is none; a forged one is refused. */
const checkScope = `
      DECLARE
        given CONSTANT text := current_setting('app.scope', true);
        scope text[];
      BEGIN
        IF given <> '' THEN
          IF right(given, 64) IS DISTINCT FROM (
            SELECT encode(sha256(outer_pad || sha256(inner_pad || convert_to(left(given, -65), 'UTF8'))), 'hex') FROM scope_key)
          THEN
            RAISE EXCEPTION 'app.scope is not signed by the server' USING ERRCODE = 'insufficient_privilege';
          END IF;
          scope := string_to_array(left(given, -65), '|');
        END IF;`;

/**
 * What policies ask reads and checks the scope once for each question, and its plan is kept by the session. Before, functions in SQL asked
 * for tenant, account and device one by one and checked the signature each time.
 *
 * `whole_tenant_id()` and `administered_tenant_id()` answer in one whose rows and whether all of them: the current tenant, or
 * null. Each checks the signature itself, before it looks at anything else.
 */
export const scopeOnce: Migration = {
  name: '0230-scope-once',
  up: `
    CREATE OR REPLACE FUNCTION current_scope() RETURNS text[]
      LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = yggdrasil, pg_temp
      AS $$${checkScope}
        RETURN scope;
      END
      $$;

    -- No account and no device is the server itself, acting for the whole tenant.
    CREATE FUNCTION whole_tenant_id() RETURNS uuid
      LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = yggdrasil, pg_temp
      AS $$${checkScope}
        IF scope[2] <> '' THEN
          RETURN (SELECT tenant_id FROM memberships
            WHERE tenant_id = scope[1]::uuid AND account_id = scope[2]::uuid AND all_networks);
        ELSIF scope[3] = '' THEN
          RETURN scope[1]::uuid;
        END IF;
        RETURN NULL;
      END
      $$;
    CREATE FUNCTION administered_tenant_id() RETURNS uuid
      LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = yggdrasil, pg_temp
      AS $$${checkScope}
        IF scope[2] <> '' THEN
          RETURN (SELECT tenant_id FROM memberships
            WHERE tenant_id = scope[1]::uuid AND account_id = scope[2]::uuid AND role IN ('owner', 'administrator'));
        ELSIF scope[3] = '' THEN
          RETURN scope[1]::uuid;
        END IF;
        RETURN NULL;
      END
      $$;
    CREATE OR REPLACE FUNCTION sees_whole_tenant() RETURNS boolean
      LANGUAGE sql STABLE
      RETURN whole_tenant_id() IS NOT NULL;
    CREATE OR REPLACE FUNCTION administers_tenant() RETURNS boolean
      LANGUAGE sql STABLE
      RETURN administered_tenant_id() IS NOT NULL;
    CREATE OR REPLACE FUNCTION changes_devices() RETURNS boolean
      LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = yggdrasil, pg_temp
      AS $$${checkScope}
        IF scope[2] <> '' THEN
          RETURN EXISTS (SELECT FROM memberships
            WHERE tenant_id = scope[1]::uuid AND account_id = scope[2]::uuid AND role <> 'guest');
        END IF;
        RETURN coalesce(scope[3] = '', false);
      END
      $$;
    CREATE OR REPLACE FUNCTION visible_network_ids() RETURNS SETOF uuid
      LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = yggdrasil, pg_temp
      AS $$${checkScope}
        IF scope[2] <> '' THEN
          RETURN QUERY SELECT network_id FROM membership_networks
            WHERE tenant_id = scope[1]::uuid AND account_id = scope[2]::uuid;
        ELSIF scope[3] <> '' THEN
          RETURN QUERY SELECT network_id FROM network_members
            WHERE device_tenant_id = scope[1]::uuid AND device_id = scope[3]::uuid;
        END IF;
      END
      $$;
    REVOKE EXECUTE ON FUNCTION whole_tenant_id(), administered_tenant_id() FROM PUBLIC;
    GRANT EXECUTE ON FUNCTION whole_tenant_id(), administered_tenant_id() TO yggdrasil_tenant;

    -- What the functions read as the owner of the tables. Each of them has checked the signature of what is compared here before it
    -- reads, or compares with what it has checked.
    ALTER POLICY functions ON memberships USING (
      tenant_id = nullif(split_part(current_setting('app.scope', true), '|', 1), '')::uuid
      OR account_id = nullif(split_part(current_setting('app.scope', true), '|', 2), '')::uuid);
  `,
  down: `
    ALTER POLICY functions ON memberships USING (
      tenant_id = (SELECT current_tenant_id()) OR account_id = (SELECT current_account_id()));
    CREATE OR REPLACE FUNCTION visible_network_ids() RETURNS SETOF uuid
      LANGUAGE sql STABLE SECURITY DEFINER SET search_path = yggdrasil, pg_temp
      BEGIN ATOMIC
        SELECT network_id FROM membership_networks
        WHERE tenant_id = (SELECT current_tenant_id()) AND account_id = (SELECT current_account_id())
        UNION ALL
        SELECT network_id FROM network_members
        WHERE device_tenant_id = (SELECT current_tenant_id()) AND device_id = (SELECT current_device_id());
      END;
    CREATE OR REPLACE FUNCTION sees_whole_tenant() RETURNS boolean
      LANGUAGE sql STABLE SECURITY DEFINER SET search_path = yggdrasil, pg_temp
      RETURN CASE
        WHEN (SELECT current_account_id()) IS NOT NULL THEN EXISTS (
          SELECT FROM memberships
          WHERE tenant_id = (SELECT current_tenant_id()) AND account_id = (SELECT current_account_id()) AND all_networks)
        ELSE (SELECT current_device_id()) IS NULL END;
    CREATE OR REPLACE FUNCTION administers_tenant() RETURNS boolean
      LANGUAGE sql STABLE SECURITY DEFINER SET search_path = yggdrasil, pg_temp
      RETURN CASE
        WHEN (SELECT current_account_id()) IS NOT NULL THEN EXISTS (
          SELECT FROM memberships
          WHERE tenant_id = (SELECT current_tenant_id()) AND account_id = (SELECT current_account_id())
            AND role IN ('owner', 'administrator'))
        ELSE (SELECT current_device_id()) IS NULL END;
    CREATE OR REPLACE FUNCTION changes_devices() RETURNS boolean
      LANGUAGE sql STABLE SECURITY DEFINER SET search_path = yggdrasil, pg_temp
      RETURN CASE
        WHEN (SELECT current_account_id()) IS NOT NULL THEN EXISTS (
          SELECT FROM memberships
          WHERE tenant_id = (SELECT current_tenant_id()) AND account_id = (SELECT current_account_id()) AND role <> 'guest')
        ELSE (SELECT current_device_id()) IS NULL END;
    DROP FUNCTION administered_tenant_id();
    DROP FUNCTION whole_tenant_id();
    CREATE OR REPLACE FUNCTION current_scope() RETURNS text[]
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
  `,
};
