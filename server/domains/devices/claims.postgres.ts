import type { Database } from '../../kernel/database.ts';
import type { ClaimStore } from './ports.ts';
import type { WorldType } from './types.ts';

/** Claims in PostgreSQL. They are nobody's until they are taken: only the server itself sees them. */
export function createClaimStore(database: Database): ClaimStore {
  return {
    addClaim: ({ id, codeHash, secretHash, worldType, sessionKey, expiresAtMs }, nowMs, claimsMax) =>
      database.system('identity', async (sql) => {
        // One at a time, or two could both see room for the last.
        await sql`SELECT pg_advisory_xact_lock(hashtextextended('device_claims', 0))`;
        const waiting = await sql`
          SELECT 1 FROM device_claims WHERE expires_at > ${new Date(nowMs)} AND NOT is_taken LIMIT ${claimsMax}`;
        if (waiting.length >= claimsMax) return false;
        await sql`
          INSERT INTO device_claims (id, code_hash, secret_hash, world_type, session_key, expires_at)
          VALUES (${id}, ${codeHash}, ${secretHash}, ${worldType}, ${sessionKey}, ${new Date(expiresAtMs)})`;
        return true;
      }),

    takeClaim: (codeHash, nowMs) =>
      database.system('identity', async (sql) => {
        const [row] = await sql<{ id: string; world_type: WorldType; session_key: Uint8Array | null }[]>`
          UPDATE device_claims SET is_taken = true
          WHERE code_hash = ${codeHash} AND NOT is_taken AND expires_at > ${new Date(nowMs)}
          RETURNING id, world_type, session_key`;
        return row === undefined
          ? null
          : { claimId: row.id, worldType: row.world_type, sessionKey: row.session_key };
      }),

    giveBackClaim: (claimId) =>
      database.system('identity', async (sql) => {
        await sql`UPDATE device_claims SET is_taken = false WHERE id = ${claimId} AND device_id IS NULL`;
      }),

    fillClaim: (claimId, deviceId, credentialsSealed) =>
      database.system('identity', async (sql) => {
        await sql`
          UPDATE device_claims SET device_id = ${deviceId}, credentials_sealed = ${credentialsSealed}
          WHERE id = ${claimId} AND is_taken`;
      }),

    findClaim: (claimId, nowMs) =>
      database.system('identity', async (sql) => {
        const [row] = await sql<{ secret_hash: Uint8Array; credentials_sealed: Uint8Array | null }[]>`
          SELECT secret_hash, credentials_sealed FROM device_claims
          WHERE id = ${claimId} AND expires_at > ${new Date(nowMs)}`;
        return row === undefined
          ? null
          : { secretHash: row.secret_hash, credentialsSealed: row.credentials_sealed };
      }),

    removeExpiredClaims: (nowMs) =>
      database.system('identity', async (sql) => {
        await sql`DELETE FROM device_claims WHERE expires_at <= ${new Date(nowMs)}`;
      }),
  };
}
