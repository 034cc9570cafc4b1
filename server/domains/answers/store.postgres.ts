import type { Database } from '../../kernel/database.ts';
import type { AnswerStore } from './ports.ts';

/** Answers in PostgreSQL. An account sees its own in a tenant; the server makes room over all of them. */
export function createAnswerStore(database: Database): AnswerStore {
  return {
    add: ({ tenantId, accountId }, { kind, id, hasEnded, content }, { createdAtMs, expiresAtMs }, bounds) =>
      database.system('money', async (sql) => {
        await sql`
          INSERT INTO stored_answers (kind, id, tenant_id, account_id, has_ended, content, created_at, expires_at)
          VALUES (${kind}, ${id}, ${tenantId}, ${accountId}, ${hasEnded}, ${content}, ${new Date(createdAtMs)},
            ${new Date(expiresAtMs)})
          ON CONFLICT (kind, id) DO NOTHING`;
        await sql`
          DELETE FROM stored_answers WHERE (kind, id) IN (
            SELECT kind, id FROM (
              SELECT kind, id,
                row_number() OVER of_account AS account_count, sum(bytes) OVER of_account AS account_bytes,
                row_number() OVER of_tenant AS tenant_count, sum(bytes) OVER of_tenant AS tenant_bytes
              FROM stored_answers WHERE tenant_id = ${tenantId}
              WINDOW of_account AS (PARTITION BY account_id ORDER BY has_ended, created_at DESC, id),
                of_tenant AS (ORDER BY has_ended, created_at DESC, id)) AS kept
            WHERE account_count > ${bounds.accountMax} OR account_bytes > ${bounds.accountBytesMax}
              OR tenant_count > ${bounds.tenantMax} OR tenant_bytes > ${bounds.tenantBytesMax})`;
      }),

    end: (owner, { kind, id, content }) =>
      database.tenant(owner, async (sql) => {
        const { count } = await sql`
          UPDATE stored_answers SET content = ${content}, has_ended = true
          WHERE tenant_id = ${owner.tenantId} AND account_id = ${owner.accountId} AND kind = ${kind} AND id = ${id}
            AND NOT has_ended`;
        return count > 0;
      }),

    find: (owner, kind, ids, nowMs) =>
      database.read(owner, async (sql) => {
        const rows = await sql<{ id: string; has_ended: boolean; content: Uint8Array }[]>`
          SELECT id, has_ended, content FROM stored_answers
          WHERE tenant_id = ${owner.tenantId} AND account_id = ${owner.accountId} AND kind = ${kind}
            AND id = ANY (${[...ids]}::uuid[]) AND expires_at > ${new Date(nowMs)}`;
        return rows.map(({ id, has_ended: hasEnded, content }) => ({ id, hasEnded, content }));
      }),

    remove: (owner, kind, id) =>
      database.tenant(owner, async (sql) => {
        const { count } = await sql`
          DELETE FROM stored_answers
          WHERE tenant_id = ${owner.tenantId} AND account_id = ${owner.accountId} AND kind = ${kind} AND id = ${id}`;
        return count > 0;
      }),

    removeExpired: (nowMs) =>
      database.system('money', async (sql) => {
        await sql`DELETE FROM stored_answers WHERE expires_at <= ${new Date(nowMs)}`;
      }),
  };
}
