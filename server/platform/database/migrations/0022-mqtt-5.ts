import type { Migration } from './migration.ts';

/**
 * Sessions of MQTT 5 end a while after their clients left. What its other properties need is there already: messages and wills
 * keep theirs in `properties`, subscriptions in `options`.
 */
export const mqtt5: Migration = {
  name: '0022-mqtt-5',
  up: `
    ALTER TABLE mqtt_sessions
      -- Null: a session of MQTT 3.1.1, which doesn't end by itself. 4294967295: nor does this one.
      ADD COLUMN expiry_seconds bigint,
      -- Null: its client is connected, as far as is known.
      ADD COLUMN left_at timestamptz;
  `,
  down: `
    ALTER TABLE mqtt_sessions DROP COLUMN expiry_seconds, DROP COLUMN left_at;
  `,
};
