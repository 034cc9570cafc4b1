import type { Migration } from './migration.ts';

/** What an API key may spend in a day and in a month of UTC, and what it has spent in the last ones in which it was charged. */
export const keySpending: Migration = {
  name: '0111-key-spending',
  up: `
    ALTER TABLE api_keys
      -- Null: none.
      ADD day_microcents_max bigint CHECK (day_microcents_max >= 0),
      ADD month_microcents_max bigint CHECK (month_microcents_max >= 0),
      -- The day that the sums below are of, and the month that it is in. Null: nothing was charged since this is counted.
      ADD charged_on date,
      ADD day_spent_microcents bigint NOT NULL DEFAULT 0 CHECK (day_spent_microcents >= 0),
      ADD month_spent_microcents bigint NOT NULL DEFAULT 0 CHECK (month_spent_microcents >= 0);
    GRANT INSERT (day_microcents_max, month_microcents_max) ON api_keys TO yggdrasil_tenant;
    GRANT UPDATE (charged_on, day_spent_microcents, month_spent_microcents) ON api_keys TO yggdrasil_money;
  `,
  down: `
    ALTER TABLE api_keys
      DROP day_microcents_max, DROP month_microcents_max,
      DROP charged_on, DROP day_spent_microcents, DROP month_spent_microcents;
  `,
};
