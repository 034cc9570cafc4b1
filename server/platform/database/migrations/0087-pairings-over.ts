import type { Migration } from './migration.ts';

/** Pairs that are over go after a while: a device that asks one after the other leaves none for ever. */
export const pairingsOver: Migration = {
  name: '0087-pairings-over',
  up: `
    CREATE INDEX pairings_over ON pairings (decided_at) WHERE state IN ('timed_out', 'closed') AND blocked_by IS NULL;
    GRANT DELETE ON pairings TO yggdrasil_relay;
  `,
  down: `
    REVOKE DELETE ON pairings FROM yggdrasil_relay;
    DROP INDEX pairings_over;
  `,
};
