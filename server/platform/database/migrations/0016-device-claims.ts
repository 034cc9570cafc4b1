import type { Migration } from './migration.ts';

/** Devices that wait for their owner: what they show, and, once somebody has claimed them, what they come for. */
export const deviceClaims: Migration = {
  name: '0016-device-claims',
  up: `
    CREATE TABLE device_claims (
      id uuid PRIMARY KEY,
      code_hash bytea NOT NULL UNIQUE CHECK (length(code_hash) = 32),
      secret_hash bytea NOT NULL CHECK (length(secret_hash) = 32),
      world_type text NOT NULL,
      -- The code is used up.
      is_taken boolean NOT NULL DEFAULT false,
      device_id uuid REFERENCES devices ON DELETE CASCADE,
      credentials_sealed bytea,
      expires_at timestamptz NOT NULL,
      CHECK ((device_id IS NULL) = (credentials_sealed IS NULL)),
      CHECK (device_id IS NULL OR is_taken)
    );
    CREATE INDEX device_claims_by_expiry ON device_claims (expires_at);
    CREATE INDEX device_claims_by_device ON device_claims (device_id);
    ALTER TABLE device_claims ENABLE ROW LEVEL SECURITY;
    ALTER TABLE device_claims FORCE ROW LEVEL SECURITY;
    CREATE POLICY server ON device_claims TO yggdrasil_identity USING (true);
    GRANT SELECT, INSERT, DELETE ON device_claims TO yggdrasil_identity;
    GRANT UPDATE (is_taken, device_id, credentials_sealed) ON device_claims TO yggdrasil_identity;
  `,
  down: `
    DROP TABLE device_claims;
  `,
};
