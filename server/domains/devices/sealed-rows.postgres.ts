import type { Database } from '../../kernel/database.ts';
import type { SealedRows } from '../../kernel/sealed-rows.ts';
import { claimContext, signingKeyContext } from './sealed-contexts.ts';

/** The signing keys of all devices. */
export function createSealedSigningKeys(database: Database): SealedRows {
  return {
    list: (form, after, limit) =>
      database.system('identity', async (sql) => {
        const rows = await sql<{ id: string; tenant_id: string; signing_key_sealed: Uint8Array }[]>`
          SELECT id, tenant_id, signing_key_sealed FROM devices
          WHERE get_byte(signing_key_sealed, 0) = ${form} AND (${after}::uuid IS NULL OR id > ${after}::uuid)
          ORDER BY id LIMIT ${limit}`;
        return rows.map(({ id, tenant_id, signing_key_sealed }) => ({
          id,
          sealed: signing_key_sealed,
          context: signingKeyContext(tenant_id, id),
        }));
      }),
    replace: (row, sealed) =>
      database.system('identity', async (sql) => {
        await sql`
          UPDATE devices SET signing_key_sealed = ${sealed}
          WHERE id = ${row.id} AND signing_key_sealed = ${row.sealed}`;
      }),
  };
}

/** The signing keys that devices had before, while those are good. */
export function createSealedPreviousKeys(database: Database): SealedRows {
  return {
    list: (form, after, limit) =>
      database.system('identity', async (sql) => {
        const rows = await sql<{ id: string; tenant_id: string; previous_key_sealed: Uint8Array }[]>`
          SELECT id, tenant_id, previous_key_sealed FROM devices
          WHERE get_byte(previous_key_sealed, 0) = ${form} AND (${after}::uuid IS NULL OR id > ${after}::uuid)
          ORDER BY id LIMIT ${limit}`;
        return rows.map(({ id, tenant_id, previous_key_sealed }) => ({
          id,
          sealed: previous_key_sealed,
          context: signingKeyContext(tenant_id, id),
        }));
      }),
    replace: (row, sealed) =>
      database.system('identity', async (sql) => {
        await sql`
          UPDATE devices SET previous_key_sealed = ${sealed}
          WHERE id = ${row.id} AND previous_key_sealed = ${row.sealed}`;
      }),
  };
}

/** The credentials that claimed devices have not fetched yet. */
export function createSealedClaims(database: Database): SealedRows {
  return {
    list: (form, after, limit) =>
      database.system('identity', async (sql) => {
        const rows = await sql<{ id: string; credentials_sealed: Uint8Array }[]>`
          SELECT id, credentials_sealed FROM device_claims
          WHERE get_byte(credentials_sealed, 0) = ${form} AND (${after}::uuid IS NULL OR id > ${after}::uuid)
          ORDER BY id LIMIT ${limit}`;
        return rows.map(({ id, credentials_sealed }) => ({
          id,
          sealed: credentials_sealed,
          context: claimContext(id),
        }));
      }),
    replace: (row, sealed) =>
      database.system('identity', async (sql) => {
        await sql`
          UPDATE device_claims SET credentials_sealed = ${sealed}
          WHERE id = ${row.id} AND credentials_sealed = ${row.sealed}`;
      }),
  };
}
