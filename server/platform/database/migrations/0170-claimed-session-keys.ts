import type { Migration } from './migration.ts';

/** A device that waits for its owner says the key that its sessions of Ratatoskr will have: nobody else's token of it is any good there. */
export const claimedSessionKeys: Migration = {
  name: '0170-claimed-session-keys',
  up: `
    ALTER TABLE device_claims ADD session_key bytea CHECK (length(session_key) = 32);
  `,
  down: `
    ALTER TABLE device_claims DROP session_key;
  `,
};
