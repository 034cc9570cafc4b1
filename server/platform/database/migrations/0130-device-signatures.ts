import type { Migration } from './migration.ts';

/**
 * The key that a device signs with what moves money, bound to its token like the key of its sessions; and what it signed, kept with the
 * record of what it did: by whichever role notes that record. Of what is signed without any money moving, the texts are bounded in bytes for
 * each tenant: the oldest go, and their hashes stay in the records.
 */
export const deviceSignatures: Migration = {
  name: '0130-device-signatures',
  up: `
    ALTER TABLE devices
      ADD signature_key bytea CHECK (length(signature_key) = 32),
      ADD CONSTRAINT devices_signature_key_session CHECK (signature_key IS NULL OR session_key IS NOT NULL);
    GRANT UPDATE (signature_key) ON devices TO yggdrasil_tenant;

    -- The longest registration of a provider, in hexadecimal, and what is around it.
    ALTER TABLE audit_receipts
      DROP CONSTRAINT audit_receipts_content_check,
      ADD CONSTRAINT audit_receipts_content_check CHECK (length(content) <= 102400);
    CREATE POLICY noted ON audit_receipts FOR INSERT TO yggdrasil_tenant WITH CHECK (
      tenant_id = (SELECT current_tenant_id()));
    CREATE POLICY node ON audit_receipts TO yggdrasil_node USING (true) WITH CHECK (true);
    GRANT INSERT ON audit_receipts TO yggdrasil_tenant;
    GRANT SELECT, INSERT ON audit_receipts TO yggdrasil_node;

    -- When, and of how many bytes, for texts that may go before their records; null: the text stays as long as its record.
    ALTER TABLE audit_receipts ADD passing_at timestamptz, ADD passing_bytes integer;
    CREATE INDEX audit_receipts_passing ON audit_receipts (tenant_id, passing_at DESC, subject_id DESC, part_id)
      INCLUDE (passing_bytes) WHERE passing_at IS NOT NULL;
    CREATE FUNCTION remove_passing_receipts(tenants uuid[], bytes_max bigint) RETURNS void
      LANGUAGE plpgsql SECURITY DEFINER SET search_path = yggdrasil, pg_temp
      AS $$
      BEGIN
        IF bytes_max < 1048576 THEN
          RAISE EXCEPTION 'the newest texts stay' USING ERRCODE = 'check_violation';
        END IF;
        -- What another transaction is removing is not waited for.
        DELETE FROM audit_receipts WHERE ctid = ANY (ARRAY(
          SELECT receipt.ctid FROM audit_receipts receipt JOIN (
            SELECT tenant_id, subject_id, part_id, sum(passing_bytes) OVER (
              PARTITION BY tenant_id ORDER BY passing_at DESC, subject_id DESC, part_id) AS bytes
            FROM audit_receipts WHERE passing_at IS NOT NULL AND tenant_id = ANY (tenants)
          ) aged USING (tenant_id, subject_id, part_id)
          WHERE aged.bytes > bytes_max FOR UPDATE OF receipt SKIP LOCKED));
      END
      $$;
    REVOKE ALL ON FUNCTION remove_passing_receipts FROM PUBLIC;
    GRANT EXECUTE ON FUNCTION remove_passing_receipts TO yggdrasil_tenant, yggdrasil_money, yggdrasil_node;
  `,
  down: `
    DROP FUNCTION remove_passing_receipts;
    DROP INDEX audit_receipts_passing;
    ALTER TABLE audit_receipts DROP passing_at, DROP passing_bytes;
    REVOKE SELECT, INSERT ON audit_receipts FROM yggdrasil_node;
    REVOKE INSERT ON audit_receipts FROM yggdrasil_tenant;
    DROP POLICY node ON audit_receipts;
    DROP POLICY noted ON audit_receipts;
    DELETE FROM audit_receipts WHERE length(content) > 8192;
    ALTER TABLE audit_receipts
      DROP CONSTRAINT audit_receipts_content_check,
      ADD CONSTRAINT audit_receipts_content_check CHECK (length(content) <= 8192);
    REVOKE UPDATE (signature_key) ON devices FROM yggdrasil_tenant;
    ALTER TABLE devices DROP CONSTRAINT devices_signature_key_session, DROP signature_key;
  `,
};
