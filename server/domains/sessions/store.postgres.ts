import type { Database } from '../../kernel/database.ts';
import type { ResumptionStore } from './ports.ts';

/** Resumable sessions in PostgreSQL. */
export function createResumptionStore(database: Database): ResumptionStore {
  return {
    add: ({ ticketHash, tenantId, holderSealed, expiresAtMs }, ticketsMax) =>
      database.system('identity', async (sql) => {
        await sql`
          DELETE FROM resumable_sessions WHERE ticket_hash IN (
            SELECT ticket_hash FROM resumable_sessions WHERE tenant_id = ${tenantId}
            ORDER BY expires_at DESC OFFSET ${ticketsMax - 1})`;
        await sql`
          INSERT INTO resumable_sessions (ticket_hash, tenant_id, holder_sealed, expires_at)
          VALUES (${ticketHash}, ${tenantId}, ${holderSealed}, ${new Date(expiresAtMs)})`;
      }),

    find: (ticketHash, nowMs) =>
      database.system('identity', async (sql) => {
        const [row] = await sql<{ holder_sealed: Uint8Array }[]>`
          SELECT holder_sealed FROM resumable_sessions
          WHERE ticket_hash = ${ticketHash} AND expires_at > ${new Date(nowMs)}`;
        return row === undefined ? null : { holderSealed: row.holder_sealed };
      }),

    use: (ticketHash, nowMs) =>
      database.system('identity', async (sql) => {
        const now = new Date(nowMs);
        const used = await sql`
          UPDATE resumable_sessions SET used_at = ${now}
          WHERE ticket_hash = ${ticketHash} AND used_at IS NULL AND expires_at > ${now}`;
        return used.count > 0;
      }),

    extend: (ticketHash, expiresAtMs) =>
      database.system('identity', async (sql) => {
        await sql`
          UPDATE resumable_sessions SET expires_at = ${new Date(expiresAtMs)}
          WHERE ticket_hash = ${ticketHash} AND used_at IS NULL`;
      }),

    removeExpired: (nowMs) =>
      database.system('identity', async (sql) => {
        await sql`DELETE FROM resumable_sessions WHERE expires_at <= ${new Date(nowMs)}`;
      }),
  };
}
