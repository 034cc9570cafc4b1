import type { Migration } from './migration.ts';

/** When whoever has a token proved last that it is its account. */
export const stepUp: Migration = {
  name: '0045-step-up',
  up: `
    -- Null: never, or with less than the account has.
    ALTER TABLE account_tokens ADD proven_at timestamptz;
    GRANT UPDATE (proven_at) ON account_tokens TO yggdrasil_identity;
  `,
  down: `
    ALTER TABLE account_tokens DROP proven_at;
  `,
};
