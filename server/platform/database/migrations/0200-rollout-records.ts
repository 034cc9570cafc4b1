import type { Migration } from './migration.ts';

/** The job that ends rollouts notes that in the audit, in the transaction that ends them. */
export const rolloutRecords: Migration = {
  name: '0200-rollout-records',
  up: `
    CREATE POLICY rollouts ON audit_pending FOR INSERT TO yggdrasil_relay
      WITH CHECK (principal = 'service:rollouts' AND operation = 'rollouts.end');
    GRANT INSERT ON audit_pending TO yggdrasil_relay;
  `,
  down: `
    REVOKE INSERT ON audit_pending FROM yggdrasil_relay;
    DROP POLICY rollouts ON audit_pending;
  `,
};
