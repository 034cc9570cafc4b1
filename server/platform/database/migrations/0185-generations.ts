import type { Migration } from './migration.ts';

/** What is told of a request by the id of its answer, and the API key that it came with, which alone of all keys is told. */
export const generations: Migration = {
  name: '0185-generations',
  up: `
    ALTER TABLE marketplace_transactions
      -- Null: none, or not known.
      ADD key_id uuid,
      -- Null: not known.
      ADD is_streamed boolean,
      ADD cached_prompt_tokens bigint NOT NULL DEFAULT 0 CHECK (cached_prompt_tokens >= 0),
      ADD reasoning_tokens bigint NOT NULL DEFAULT 0 CHECK (reasoning_tokens >= 0);
    GRANT SELECT (key_id, is_streamed, cached_prompt_tokens, reasoning_tokens) ON marketplace_transactions TO yggdrasil_tenant;
  `,
  down: `
    ALTER TABLE marketplace_transactions
      DROP key_id, DROP is_streamed, DROP cached_prompt_tokens, DROP reasoning_tokens;
  `,
};
