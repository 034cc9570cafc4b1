import type { Migration } from './migration.ts';

/** What requesters think of what they paid for, and what that comes to for a provider. */
export const ratings: Migration = {
  name: '0260-ratings',
  up: `
CREATE TABLE marketplace_ratings (
  transaction_id uuid NOT NULL,
  provider_id uuid NOT NULL,
  provider_tenant_id uuid NOT NULL,
  -- Who rates.
  tenant_id uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
  account_id uuid NOT NULL,
  stars smallint NOT NULL CHECK (stars BETWEEN 1 AND 5),
  rated_at timestamptz NOT NULL,
  PRIMARY KEY (transaction_id, provider_id),
  -- Nobody rates himself.
  CHECK (tenant_id <> provider_tenant_id)
);
CREATE INDEX marketplace_ratings_of_provider ON marketplace_ratings (provider_id, account_id);
CREATE INDEX marketplace_ratings_by_tenant ON marketplace_ratings (tenant_id);
-- An account's mean is its one voice about a provider.
CREATE TABLE marketplace_rating_voices (
  provider_id uuid NOT NULL,
  account_id uuid NOT NULL,
  tenant_id uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
  stars numeric NOT NULL CHECK (stars BETWEEN 1 AND 5),
  PRIMARY KEY (provider_id, account_id)
);
CREATE INDEX marketplace_rating_voices_by_tenant ON marketplace_rating_voices (tenant_id);
ALTER TABLE quality_providers
  ADD rating_voices integer NOT NULL DEFAULT 0 CHECK (rating_voices >= 0),
  -- The sum of the voices.
  ADD rating_stars float8 NOT NULL DEFAULT 0 CHECK (rating_stars BETWEEN rating_voices AND 5.0 * rating_voices);
ALTER TABLE marketplace_ratings ENABLE ROW LEVEL SECURITY;
ALTER TABLE marketplace_ratings FORCE ROW LEVEL SECURITY;
ALTER TABLE marketplace_rating_voices ENABLE ROW LEVEL SECURITY;
ALTER TABLE marketplace_rating_voices FORCE ROW LEVEL SECURITY;
CREATE POLICY server ON marketplace_ratings TO yggdrasil_money USING (true);
CREATE POLICY server ON marketplace_rating_voices TO yggdrasil_money USING (true);
GRANT SELECT, INSERT ON marketplace_ratings, marketplace_rating_voices TO yggdrasil_money;
GRANT UPDATE (stars) ON marketplace_ratings, marketplace_rating_voices TO yggdrasil_money;
`,
  down: `
ALTER TABLE quality_providers DROP rating_voices, DROP rating_stars;
DROP TABLE marketplace_rating_voices;
DROP TABLE marketplace_ratings;
`,
};
