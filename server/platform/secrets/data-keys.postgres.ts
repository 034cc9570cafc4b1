import type { Database, Sql } from '../../kernel/database.ts';

/** A key that secrets are sealed under, as it is kept: sealed under the master key of this id. */
export interface WrappedKey {
  readonly id: string;
  readonly masterKeyId: string;
  readonly sealed: Uint8Array;
}

/** Where data keys are kept. */
export interface DataKeyStore {
  /** Adds the first one. Nothing happens where there is one. */
  addFirst(key: WrappedKey): Promise<void>;
  /**
   * Works with all keys in one transaction, alone among those that call this. `replace` puts keys in the place of those of their ids.
   * What fails with a serialization failure or a deadlock is done again.
   */
  alone<Value>(
    work: (
      keys: readonly WrappedKey[],
      replace: (keys: readonly WrappedKey[]) => Promise<void>,
    ) => Promise<Value>,
  ): Promise<Value>;
}

interface KeyRow {
  id: string;
  master_key_id: string;
  key_sealed: Uint8Array;
}

async function selectKeys(sql: Sql): Promise<WrappedKey[]> {
  const rows = await sql<KeyRow[]>`SELECT id, master_key_id, key_sealed FROM data_keys ORDER BY id`;
  return rows.map((row) => ({ id: row.id, masterKeyId: row.master_key_id, sealed: row.key_sealed }));
}

async function lock(sql: Sql): Promise<void> {
  await sql`SELECT pg_advisory_xact_lock(hashtextextended('data_keys', 0))`;
}

/** Data keys in PostgreSQL. */
export function createDataKeyStore(database: Database): DataKeyStore {
  return {
    addFirst: ({ id, masterKeyId, sealed }) =>
      database.system('node', async (sql) => {
        await lock(sql);
        await sql`
          INSERT INTO data_keys (id, master_key_id, key_sealed)
          SELECT ${id}, ${masterKeyId}, ${sealed} WHERE NOT EXISTS (SELECT FROM data_keys)`;
      }),

    alone: (work) =>
      database.system('node', async (sql) => {
        await lock(sql);
        return work(await selectKeys(sql), async (keys) => {
          for (const { id, masterKeyId, sealed } of keys) {
            await sql`
              UPDATE data_keys SET master_key_id = ${masterKeyId}, key_sealed = ${sealed} WHERE id = ${id}`;
          }
        });
      }),
  };
}
