import type { Migration } from './migration.ts';

/**
 * Receipts: what a request was, for each of its sides, as a text whose hash stands in a record of that side's log. They go with
 * their records.
 */
export const receipts: Migration = {
  name: '0099-receipts',
  up: `
    ALTER TABLE audit_pending ADD content_hash bytea CHECK (length(content_hash) = 32);
    ALTER TABLE audit_records ADD content_hash bytea;
    CREATE INDEX audit_records_with_content ON audit_records (tenant_id, content_hash) WHERE content_hash IS NOT NULL;
    CREATE TABLE audit_receipts (
      tenant_id uuid NOT NULL,
      -- The request.
      subject_id uuid NOT NULL,
      -- Whose side of it: an account that asked, or a provider.
      part_id uuid NOT NULL,
      -- Who may read it beside the administrators; null: everybody of the tenant who may read what is earned.
      account_id uuid,
      content text NOT NULL CHECK (length(content) <= 8192),
      content_hash bytea NOT NULL CHECK (length(content_hash) = 32),
      PRIMARY KEY (tenant_id, subject_id, part_id)
    );
    CREATE INDEX audit_receipts_by_hash ON audit_receipts (tenant_id, content_hash);

    ALTER TABLE audit_receipts ENABLE ROW LEVEL SECURITY;
    ALTER TABLE audit_receipts FORCE ROW LEVEL SECURITY;
    CREATE POLICY functions ON audit_receipts TO CURRENT_USER USING (true);
    CREATE POLICY server ON audit_receipts TO yggdrasil_money USING (true) WITH CHECK (true);
    CREATE POLICY visible ON audit_receipts FOR SELECT TO yggdrasil_tenant USING (
      tenant_id = (SELECT current_tenant_id())
      AND (account_id IS NULL OR account_id = (SELECT current_account_id()) OR (SELECT administers_tenant())));
    GRANT SELECT, INSERT ON audit_receipts TO yggdrasil_money;
    GRANT SELECT ON audit_receipts TO yggdrasil_tenant;

    CREATE OR REPLACE FUNCTION seal_audit_records(records_max integer) RETURNS integer
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
            waiting.left_out,
            -- Null where there is none: then it is no line.
            encode(waiting.content_hash, 'hex')), 'UTF8'));
          INSERT INTO audit_records (tenant_id, index, at, principal, operation, class, outcome, objects, reason, left_out, hash,
              content_hash)
            VALUES (waiting.tenant_id, place, waiting.at, waiting.principal, waiting.operation, waiting.class,
              waiting.outcome, waiting.objects, waiting.reason, waiting.left_out, leaf, waiting.content_hash);
          UPDATE audit_chains SET size = place + 1, last_hash = leaf WHERE tenant_id = waiting.tenant_id;
          sealed := sealed || waiting.id;
        END LOOP;
        DELETE FROM audit_pending WHERE id = ANY (sealed);
        RETURN cardinality(sealed);
      END
      $$;

    CREATE OR REPLACE FUNCTION remove_old_audit_records(tenant uuid, before timestamptz, records_max bigint, heads_max integer)
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
        DELETE FROM audit_receipts receipt USING audit_records record
          WHERE record.tenant_id = tenant AND record.index < keep_from
            AND receipt.tenant_id = tenant AND receipt.content_hash = record.content_hash;
        DELETE FROM audit_records WHERE tenant_id = tenant AND index < keep_from;
        -- A node whose parent is whole and gone, too, is in no proof any more.
        DELETE FROM audit_nodes WHERE tenant_id = tenant AND level < 62 AND ((index >> 1) + 1) << (level + 1) <= keep_from;
        DELETE FROM audit_heads WHERE tenant_id = tenant AND size < keep_from;
        RETURN keep_from - chain.first_index;
      END
      $$;
  `,
  down: `
    CREATE OR REPLACE FUNCTION seal_audit_records(records_max integer) RETURNS integer
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

    CREATE OR REPLACE FUNCTION remove_old_audit_records(tenant uuid, before timestamptz, records_max bigint, heads_max integer)
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

    DROP TABLE audit_receipts;
    DROP INDEX audit_records_with_content;
    ALTER TABLE audit_records DROP content_hash;
    ALTER TABLE audit_pending DROP content_hash;
  `,
};
