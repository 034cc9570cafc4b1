import type { Migration } from './migration.ts';

/**
 * The audit: who did what, a chain of hashes for each tenant. What is done notes its record in `audit_pending`, in its own
 * transaction; `seal_audit_records` gives each its place in the chain of its tenant. No role may change or remove a record:
 * sealing and the end of retention are functions of the owner, which the job `node` may call.
 *
 * The chain of the tenant 00000000-0000-0000-0000-000000000000 is the platform's: callers that nobody knows, and what
 * operators do for no single tenant. Chains outlive their tenants, until their records are too old.
 */
export const audit: Migration = {
  name: '0024-audit',
  up: `
    CREATE TABLE audit_pending (
      id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      tenant_id uuid NOT NULL,
      at timestamptz NOT NULL,
      -- The kind and id of who asked, 'service:' and a name for the server itself; null: somebody unknown.
      principal text CHECK (principal ~ '^(account|device):[0-9a-f-]{36}$|^service:[a-z][a-zA-Z.-]{0,99}$'),
      operation text NOT NULL CHECK (operation ~ '^[a-z][a-zA-Z.]{0,99}$'),
      class text NOT NULL CHECK (class IN ('access', 'change', 'money', 'emergency')),
      outcome text NOT NULL CHECK (outcome ~ '^[a-z_]{1,64}$'),
      -- What it was about, by id.
      objects uuid[] NOT NULL CHECK (cardinality(objects) <= 8),
      reason text CHECK (reason ~ '^[^[:cntrl:]]{1,200}$'),
      -- Records of the minute before that were left out, because there were too many.
      left_out integer NOT NULL CHECK (left_out >= 0)
    );
    CREATE TABLE audit_chains (
      tenant_id uuid PRIMARY KEY,
      -- Records that the chain ever had. The ones before first_index are gone.
      size bigint NOT NULL CHECK (size >= 0),
      first_index bigint NOT NULL CHECK (first_index >= 0 AND first_index % 256 = 0),
      -- The hash of the last record that is gone, which the first one follows; zeros where none is gone.
      first_follows bytea NOT NULL CHECK (length(first_follows) = 32),
      last_hash bytea NOT NULL CHECK (length(last_hash) = 32)
    );
    CREATE TABLE audit_records (
      tenant_id uuid NOT NULL,
      index bigint NOT NULL CHECK (index >= 0),
      at timestamptz NOT NULL,
      principal text,
      operation text NOT NULL,
      class text NOT NULL,
      outcome text NOT NULL,
      objects uuid[] NOT NULL,
      reason text,
      left_out integer NOT NULL,
      -- SHA-256 over the hash of the record before and this one; a leaf of the tree (RFC 6962 section 2.1).
      hash bytea NOT NULL CHECK (length(hash) = 32),
      PRIMARY KEY (tenant_id, index)
    );
    -- Full subtrees of 2^level records, from 256 records on: what proofs are made of.
    CREATE TABLE audit_nodes (
      tenant_id uuid NOT NULL,
      level smallint NOT NULL CHECK (level BETWEEN 8 AND 62),
      index bigint NOT NULL,
      hash bytea NOT NULL CHECK (length(hash) = 32),
      PRIMARY KEY (tenant_id, level, index)
    );
    CREATE TABLE audit_keys (
      id text PRIMARY KEY CHECK (id ~ '^[0-9a-f]{16}$'),
      public_key bytea NOT NULL CHECK (length(public_key) = 32),
      private_key_sealed bytea NOT NULL,
      created_at timestamptz NOT NULL
    );
    CREATE TABLE audit_heads (
      tenant_id uuid NOT NULL,
      size bigint NOT NULL CHECK (size > 0),
      root bytea NOT NULL CHECK (length(root) = 32),
      signed_at timestamptz NOT NULL,
      key_id text NOT NULL REFERENCES audit_keys,
      signature bytea NOT NULL CHECK (length(signature) = 64),
      PRIMARY KEY (tenant_id, size)
    );
    CREATE TABLE audit_countersignatures (
      tenant_id uuid NOT NULL,
      size bigint NOT NULL,
      public_key bytea NOT NULL CHECK (length(public_key) = 32),
      signature bytea NOT NULL CHECK (length(signature) = 64),
      -- Whose device or account brought it.
      principal text NOT NULL,
      signed_at timestamptz NOT NULL,
      PRIMARY KEY (tenant_id, size, public_key),
      FOREIGN KEY (tenant_id, size) REFERENCES audit_heads ON DELETE CASCADE
    );

    -- Gives the records that wait their places in the chains, records_max of them; how many it were.
    CREATE FUNCTION seal_audit_records(records_max integer) RETURNS integer
      LANGUAGE plpgsql SECURITY DEFINER SET search_path = yggdrasil, pg_temp
      AS $$
      DECLARE
        waiting audit_pending;
        sealed bigint[] := ARRAY[]::bigint[];
        place bigint;
        before bytea;
        leaf bytea;
      BEGIN
        -- 'audit' in ASCII: one at a time, whichever server it is.
        PERFORM pg_advisory_xact_lock(418397645172);
        FOR waiting IN SELECT * FROM audit_pending ORDER BY id LIMIT records_max LOOP
          INSERT INTO audit_chains (tenant_id, size, first_index, first_follows, last_hash)
            VALUES (waiting.tenant_id, 0, 0, decode(repeat('00', 32), 'hex'), decode(repeat('00', 32), 'hex'))
            ON CONFLICT DO NOTHING;
          SELECT size, last_hash INTO place, before FROM audit_chains WHERE tenant_id = waiting.tenant_id;
          leaf := sha256('\\x00'::bytea || convert_to(concat_ws(E'\\n',
            'yggdrasil audit record 1',
            waiting.tenant_id,
            place,
            encode(before, 'hex'),
            floor(extract(epoch FROM waiting.at) * 1000)::bigint,
            coalesce(waiting.principal, ''),
            waiting.operation,
            waiting.class,
            waiting.outcome,
            array_to_string(waiting.objects, ','),
            coalesce(waiting.reason, ''),
            waiting.left_out), 'UTF8'));
          INSERT INTO audit_records (tenant_id, index, at, principal, operation, class, outcome, objects, reason, left_out, hash)
            VALUES (waiting.tenant_id, place, waiting.at, waiting.principal, waiting.operation, waiting.class,
              waiting.outcome, waiting.objects, waiting.reason, waiting.left_out, leaf);
          UPDATE audit_chains SET size = place + 1, last_hash = leaf WHERE tenant_id = waiting.tenant_id;
          sealed := sealed || waiting.id;
        END LOOP;
        DELETE FROM audit_pending WHERE id = ANY (sealed);
        RETURN cardinality(sealed);
      END
      $$;

    -- Removes the records of a chain that are older than a time, and the oldest of those that are too many, by whole blocks
    -- of 256 whose hash stays. What a tenant's head was not signed for is never removed. Gives the number of records removed.
    CREATE FUNCTION remove_old_audit_records(tenant uuid, before timestamptz, records_max bigint, heads_max integer)
      RETURNS bigint
      LANGUAGE plpgsql SECURITY DEFINER SET search_path = yggdrasil, pg_temp
      AS $$
      DECLARE
        chain audit_chains;
        keep_from bigint;
        signed bigint;
      BEGIN
        SELECT * INTO chain FROM audit_chains WHERE tenant_id = tenant FOR UPDATE;
        IF NOT FOUND OR before > now() OR records_max < 256 OR heads_max < 1 THEN
          RETURN 0;
        END IF;
        DELETE FROM audit_heads WHERE tenant_id = tenant AND size < (
          SELECT size FROM audit_heads WHERE tenant_id = tenant ORDER BY size DESC OFFSET heads_max - 1 LIMIT 1);
        SELECT coalesce(max(size), 0) INTO signed FROM audit_heads WHERE tenant_id = tenant;
        SELECT coalesce(min(index), chain.size) INTO keep_from FROM audit_records WHERE tenant_id = tenant AND at >= before;
        keep_from := least(greatest(keep_from, chain.size - records_max), signed);
        SELECT count(*) * 256 INTO signed FROM audit_nodes WHERE tenant_id = tenant AND level = 8 AND index >= chain.first_index / 256;
        keep_from := least(keep_from / 256 * 256, chain.first_index + signed);
        IF keep_from <= chain.first_index THEN
          RETURN 0;
        END IF;
        UPDATE audit_chains SET first_index = keep_from, first_follows = (
          SELECT hash FROM audit_records WHERE tenant_id = tenant AND index = keep_from - 1) WHERE tenant_id = tenant;
        DELETE FROM audit_records WHERE tenant_id = tenant AND index < keep_from;
        -- A node whose parent is whole and gone, too, is in no proof any more.
        DELETE FROM audit_nodes WHERE tenant_id = tenant AND level < 62 AND ((index >> 1) + 1) << (level + 1) <= keep_from;
        DELETE FROM audit_heads WHERE tenant_id = tenant AND size < keep_from;
        RETURN keep_from - chain.first_index;
      END
      $$;
    -- Records that wait for their places: no role reads them.
    CREATE FUNCTION waiting_audit_records() RETURNS bigint
      LANGUAGE sql STABLE SECURITY DEFINER SET search_path = yggdrasil, pg_temp
      RETURN (SELECT count(*) FROM audit_pending);
    REVOKE EXECUTE ON FUNCTION seal_audit_records(integer), waiting_audit_records(),
      remove_old_audit_records(uuid, timestamptz, bigint, integer) FROM PUBLIC;
    GRANT EXECUTE ON FUNCTION seal_audit_records(integer), waiting_audit_records(),
      remove_old_audit_records(uuid, timestamptz, bigint, integer) TO yggdrasil_node;

    ALTER TABLE audit_pending ENABLE ROW LEVEL SECURITY;
    ALTER TABLE audit_pending FORCE ROW LEVEL SECURITY;
    ALTER TABLE audit_chains ENABLE ROW LEVEL SECURITY;
    ALTER TABLE audit_chains FORCE ROW LEVEL SECURITY;
    ALTER TABLE audit_records ENABLE ROW LEVEL SECURITY;
    ALTER TABLE audit_records FORCE ROW LEVEL SECURITY;
    ALTER TABLE audit_nodes ENABLE ROW LEVEL SECURITY;
    ALTER TABLE audit_nodes FORCE ROW LEVEL SECURITY;
    ALTER TABLE audit_keys ENABLE ROW LEVEL SECURITY;
    ALTER TABLE audit_keys FORCE ROW LEVEL SECURITY;
    ALTER TABLE audit_heads ENABLE ROW LEVEL SECURITY;
    ALTER TABLE audit_heads FORCE ROW LEVEL SECURITY;
    ALTER TABLE audit_countersignatures ENABLE ROW LEVEL SECURITY;
    ALTER TABLE audit_countersignatures FORCE ROW LEVEL SECURITY;

    CREATE POLICY functions ON audit_pending TO CURRENT_USER USING (true);
    CREATE POLICY functions ON audit_chains TO CURRENT_USER USING (true);
    CREATE POLICY functions ON audit_records TO CURRENT_USER USING (true);
    CREATE POLICY functions ON audit_nodes TO CURRENT_USER USING (true);
    CREATE POLICY functions ON audit_heads TO CURRENT_USER USING (true);
    CREATE POLICY functions ON audit_countersignatures TO CURRENT_USER USING (true);

    CREATE POLICY noted ON audit_pending FOR INSERT TO yggdrasil_tenant WITH CHECK (
      tenant_id = (SELECT current_tenant_id()));
    CREATE POLICY server ON audit_pending FOR INSERT TO yggdrasil_identity, yggdrasil_money, yggdrasil_node
      WITH CHECK (true);
    CREATE POLICY visible ON audit_records FOR SELECT TO yggdrasil_tenant USING (
      tenant_id = (SELECT current_tenant_id()) AND (SELECT administers_tenant()));
    CREATE POLICY visible ON audit_heads FOR SELECT TO yggdrasil_tenant USING (
      tenant_id = (SELECT current_tenant_id())
      AND ((SELECT administers_tenant()) OR (SELECT current_device_id()) IS NOT NULL));
    CREATE POLICY visible ON audit_countersignatures FOR SELECT TO yggdrasil_tenant USING (
      tenant_id = (SELECT current_tenant_id())
      AND ((SELECT administers_tenant()) OR (SELECT current_device_id()) IS NOT NULL));
    CREATE POLICY countersigned ON audit_countersignatures FOR INSERT TO yggdrasil_tenant WITH CHECK (
      tenant_id = (SELECT current_tenant_id())
      AND ((SELECT administers_tenant()) OR (SELECT current_device_id()) IS NOT NULL));
    CREATE POLICY server ON audit_chains FOR SELECT TO yggdrasil_node USING (true);
    CREATE POLICY server ON audit_records FOR SELECT TO yggdrasil_node USING (true);
    CREATE POLICY server ON audit_nodes TO yggdrasil_node USING (true);
    CREATE POLICY server ON audit_keys TO yggdrasil_node USING (true);
    CREATE POLICY server ON audit_heads TO yggdrasil_node USING (true);
    CREATE POLICY server ON audit_countersignatures FOR SELECT TO yggdrasil_node USING (true);

    GRANT INSERT ON audit_pending TO yggdrasil_tenant, yggdrasil_identity, yggdrasil_money, yggdrasil_node;
    GRANT SELECT ON audit_records, audit_heads, audit_countersignatures TO yggdrasil_tenant;
    GRANT INSERT ON audit_countersignatures TO yggdrasil_tenant;
    GRANT SELECT ON audit_chains, audit_records, audit_countersignatures TO yggdrasil_node;
    GRANT SELECT, INSERT ON audit_nodes, audit_keys, audit_heads TO yggdrasil_node;
  `,
  down: `
    DROP FUNCTION remove_old_audit_records(uuid, timestamptz, bigint, integer);
    DROP FUNCTION waiting_audit_records();
    DROP FUNCTION seal_audit_records(integer);
    DROP TABLE audit_countersignatures, audit_heads, audit_keys, audit_nodes, audit_records, audit_chains, audit_pending;
  `,
};
