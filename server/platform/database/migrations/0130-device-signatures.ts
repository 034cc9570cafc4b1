import type { Migration } from './migration.ts';

/**
 * The key that a device signs with what moves money, bound to its token like the key of its sessions; and what it signed, kept with the
 * record of what it did: by whichever role notes that record.
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
  `,
  down: `
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
