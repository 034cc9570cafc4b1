import type { Migration } from './migration.ts';

/** What goes back where no operator decides is what providers earned: the platform keeps its commission. */
export const keptCommission: Migration = {
  name: '0262-kept-commission',
  up: `
ALTER TABLE marketplace_disputes
  -- What went back is of the earnings alone.
  ADD keeps_fee boolean NOT NULL DEFAULT false;
`,
  down: 'ALTER TABLE marketplace_disputes DROP keeps_fee;',
};
