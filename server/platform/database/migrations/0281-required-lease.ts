import type { Migration } from './migration.ts';

/**
 * Refuses a transaction of a node that has lost its lease, in the database: whoever asks needn't wait for the answer before the
 * transaction's end is sent. KEY SHARE lets renewals through and makes whoever removes the row wait for the end of this transaction.
 */
export const requiredLease: Migration = {
  name: '0281-required-lease',
  up: `
    CREATE FUNCTION require_lease(node_id uuid, number bigint) RETURNS void LANGUAGE plpgsql AS $$
      BEGIN
        PERFORM FROM nodes WHERE id = node_id AND fencing_number = number FOR KEY SHARE;
        IF NOT FOUND THEN
          RAISE EXCEPTION 'node % has lost its lease', node_id USING ERRCODE = 'YG001';
        END IF;
      END
    $$;
    REVOKE ALL ON FUNCTION require_lease(uuid, bigint) FROM PUBLIC;
    GRANT EXECUTE ON FUNCTION require_lease(uuid, bigint) TO yggdrasil_node, yggdrasil_relay, yggdrasil_money;
  `,
  down: `DROP FUNCTION require_lease(uuid, bigint);`,
};
