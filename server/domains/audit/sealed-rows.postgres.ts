import type { Database } from '../../kernel/database.ts';
import type { SealedRows } from '../../kernel/sealed-rows.ts';
import { privateKeyContext } from './signing-keys.ts';

/** The private keys that heads are signed with. */
export function createSealedAuditKeys(database: Database): SealedRows {
  return {
    list: (form, after, limit) =>
      database.system('node', async (sql) => {
        const rows = await sql<{ id: string; public_key: Uint8Array; private_key_sealed: Uint8Array }[]>`
          SELECT id, public_key, private_key_sealed FROM audit_keys
          WHERE get_byte(private_key_sealed, 0) = ${form} AND (${after}::text IS NULL OR id > ${after}::text)
          ORDER BY id LIMIT ${limit}`;
        return rows.map(({ id, public_key, private_key_sealed }) => ({
          id,
          sealed: private_key_sealed,
          context: privateKeyContext(id, public_key),
        }));
      }),
    replace: (row, sealed) =>
      database.system('node', async (sql) => {
        await sql`
          UPDATE audit_keys SET private_key_sealed = ${sealed}
          WHERE id = ${row.id} AND private_key_sealed = ${row.sealed}`;
      }),
  };
}
