import type { Migration } from './migration.ts';

/** The key with which a device opens sessions of Ratatoskr: the first that came with its token. */
export const sessionKeys: Migration = {
  name: '0039-session-keys',
  up: `
    ALTER TABLE devices
      ADD session_key bytea CHECK (length(session_key) = 32),
      -- The token that it came with: with another token another key may come.
      ADD session_key_token_id uuid,
      ADD CONSTRAINT devices_session_key_token CHECK ((session_key IS NULL) = (session_key_token_id IS NULL));
    GRANT UPDATE (session_key, session_key_token_id) ON devices TO yggdrasil_tenant;
  `,
  down: `
    REVOKE UPDATE (session_key, session_key_token_id) ON devices FROM yggdrasil_tenant;
    ALTER TABLE devices DROP session_key, DROP session_key_token_id;
  `,
};
