import type { Migration } from './migration.ts';

/** The token and the signing key that a device had before, while both its old and its new ones are good. */
export const credentialOverlap: Migration = {
  name: '0034-credential-overlap',
  up: `
    ALTER TABLE devices
      ADD previous_token_id uuid,
      ADD previous_token_hash bytea UNIQUE CHECK (length(previous_token_hash) = 32),
      ADD previous_key_sealed bytea,
      ADD previous_until timestamptz,
      ADD CONSTRAINT devices_previous_whole CHECK (
        num_nulls(previous_token_id, previous_token_hash, previous_key_sealed, previous_until) IN (0, 4));
    GRANT UPDATE (signing_key_sealed, previous_token_id, previous_token_hash, previous_key_sealed, previous_until)
      ON devices TO yggdrasil_tenant;
    GRANT UPDATE (previous_token_id, previous_token_hash, previous_key_sealed, previous_until)
      ON devices TO yggdrasil_identity;
  `,
  down: `
    ALTER TABLE devices
      DROP previous_token_id, DROP previous_token_hash, DROP previous_key_sealed, DROP previous_until;
    REVOKE UPDATE (signing_key_sealed) ON devices FROM yggdrasil_tenant;
  `,
};
