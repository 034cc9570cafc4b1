import type { Migration } from './migration.ts';

/**
 * Kept answers by the API key that asked, which alone of all keys is given them; and their ends in the commit that bills them. Those of
 * before have no key: they are the account's alone.
 */
export const answerKeys: Migration = {
  name: '0186-answer-keys',
  up: `
    ALTER TABLE stored_answers
      -- Null: none, or not known.
      ADD key_id uuid,
      -- What was billed for it; null: nothing, or not known.
      ADD transaction_id uuid;
    GRANT UPDATE (content, has_ended, transaction_id) ON stored_answers TO yggdrasil_money;
  `,
  down: `
    REVOKE UPDATE (content, has_ended) ON stored_answers FROM yggdrasil_money;
    ALTER TABLE stored_answers DROP key_id, DROP transaction_id;
  `,
};
