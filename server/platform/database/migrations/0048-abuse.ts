import type { Migration } from './migration.ts';

/** What is done about principals and addresses that look like abuse, until when. */
export const abuse: Migration = {
  name: '0048-abuse',
  up: `
    CREATE TABLE abuse_measures (
      id uuid PRIMARY KEY,
      subject_kind text NOT NULL CHECK (subject_kind IN ('account', 'api_key', 'device', 'tenant', 'address')),
      -- An id, or an address.
      subject text NOT NULL CHECK (length(subject) BETWEEN 1 AND 100),
      measure text NOT NULL CHECK (measure IN ('throttle', 'cut_off', 'lock')),
      kind text NOT NULL CHECK (kind IN ('credentials', 'codes', 'ids', 'flood', 'spending')),
      count integer NOT NULL CHECK (count >= 0),
      began_at timestamptz NOT NULL,
      ends_at timestamptz NOT NULL CHECK (ends_at > began_at),
      UNIQUE (subject_kind, subject)
    );
    CREATE INDEX abuse_measures_by_end ON abuse_measures (ends_at);
    ALTER TABLE abuse_measures ENABLE ROW LEVEL SECURITY;
    ALTER TABLE abuse_measures FORCE ROW LEVEL SECURITY;
    CREATE POLICY server ON abuse_measures TO yggdrasil_identity USING (true);
    GRANT SELECT, INSERT, UPDATE, DELETE ON abuse_measures TO yggdrasil_identity;
  `,
  down: `
    DROP TABLE abuse_measures;
  `,
};
