import type { Migration } from './migration.ts';

/** Fleets whose devices have certificates of an authority in place of a key that all of them share. */
export const fleetAuthorities: Migration = {
  name: '0201-fleet-authorities',
  up: `
    ALTER TABLE bootstrap_keys
      -- The SHA-256 of the authority's certificate; null: devices show the key itself.
      ADD authority bytea CHECK (length(authority) = 32);
    GRANT SELECT (authority) ON bootstrap_keys TO yggdrasil_tenant;
  `,
  down: `
    ALTER TABLE bootstrap_keys DROP authority;
  `,
};
