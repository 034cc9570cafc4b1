import type { Migration } from './migration.ts';

/** Devices are told of messages that their network had no room to retain. */
export const retainedDrops: Migration = {
  name: '0290-retained-drops',
  up: `
    ALTER TABLE device_drops DROP CONSTRAINT device_drops_cause_check;
    ALTER TABLE device_drops ADD CONSTRAINT device_drops_cause_check
      CHECK (cause IN ('queue_full', 'session_expired', 'frame_expired', 'retained_full'));
  `,
  down: `
    DELETE FROM device_drops WHERE cause = 'retained_full';
    ALTER TABLE device_drops DROP CONSTRAINT device_drops_cause_check;
    ALTER TABLE device_drops ADD CONSTRAINT device_drops_cause_check
      CHECK (cause IN ('queue_full', 'session_expired', 'frame_expired'));
  `,
};
