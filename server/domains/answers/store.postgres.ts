import type { AccountActor } from '../../kernel/actor.ts';
import { keyOf } from '../../kernel/credential-scope.ts';
import type { Database, Sql } from '../../kernel/database.ts';
import type { TransactionId } from '../../kernel/ids.ts';
import type { AnswerStore } from './ports.ts';
import type { BilledAnswer } from './types.ts';

/**
 * Writes the ends of answers with what was billed for them. It stands over an end that says something else: there nobody knew yet that
 * it was billed. One that was removed stays removed.
 */
export const endedAnswers = {
  name: 'stored_answers 1 end',
  async write(sql: Sql, answers: readonly BilledAnswer[]): Promise<void> {
    const rows = answers.map(({ content, ...row }) => ({
      ...row,
      content: Buffer.from(content).toString('base64'),
    }));
    await sql`
      UPDATE stored_answers kept SET content = decode(row.content, 'base64'), has_ended = true,
        transaction_id = row."transactionId"
      FROM jsonb_to_recordset(${JSON.stringify(rows)}::text::jsonb) AS row(kind text, id uuid, "tenantId" uuid,
        "accountId" uuid, "transactionId" uuid, content text)
      WHERE kept.kind = row.kind AND kept.id = row.id AND kept.tenant_id = row."tenantId"
        AND kept.account_id = row."accountId"`;
  },
};

/** Whose answers somebody is given: of an API key what it asked for itself. */
const ownedBy = (sql: Sql, owner: AccountActor) => sql`
  tenant_id = ${owner.tenantId} AND account_id = ${owner.accountId}
    AND (${keyOf(owner)}::uuid IS NULL OR key_id = ${keyOf(owner)})`;

/** Answers in PostgreSQL. An account sees its own in a tenant, an API key those that it asked for; the server makes room over all of them. */
export function createAnswerStore(database: Database): AnswerStore {
  return {
    add: (owner, { kind, id, hasEnded, content }, { createdAtMs, expiresAtMs }, bounds) =>
      database.system('money', async (sql) => {
        const { tenantId, accountId } = owner;
        await sql`
          INSERT INTO stored_answers (kind, id, tenant_id, account_id, key_id, has_ended, content, created_at, expires_at)
          VALUES (${kind}, ${id}, ${tenantId}, ${accountId}, ${keyOf(owner)}, ${hasEnded}, ${content},
            ${new Date(createdAtMs)}, ${new Date(expiresAtMs)})
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

    end: (owner, { kind, id, content }, replaces) =>
      database.tenant(owner, async (sql) => {
        const { count } = await sql`
          UPDATE stored_answers SET content = ${content}, has_ended = true
          WHERE ${ownedBy(sql, owner)} AND kind = ${kind} AND id = ${id} AND (${replaces} OR NOT has_ended)`;
        return count > 0;
      }),

    find: (owner, kind, ids, nowMs) =>
      database.read(owner, async (sql) => {
        const rows = await sql<FoundRow[]>`
          SELECT id, has_ended, content, transaction_id FROM stored_answers
          WHERE ${ownedBy(sql, owner)} AND kind = ${kind} AND id = ANY (${[...ids]}::uuid[])
            AND expires_at > ${new Date(nowMs)}`;
        return rows.map(({ id, has_ended: hasEnded, content, transaction_id: transactionId }) => ({
          id,
          hasEnded,
          content,
          transactionId,
        }));
      }),

    remove: (owner, kind, id) =>
      database.tenant(owner, async (sql) => {
        const { count } = await sql`
          DELETE FROM stored_answers WHERE ${ownedBy(sql, owner)} AND kind = ${kind} AND id = ${id}`;
        return count > 0;
      }),

    removeExpired: (nowMs) =>
      database.system('money', async (sql) => {
        await sql`DELETE FROM stored_answers WHERE expires_at <= ${new Date(nowMs)}`;
      }),
  };
}

interface FoundRow {
  readonly id: string;
  readonly has_ended: boolean;
  readonly content: Uint8Array;
  readonly transaction_id: TransactionId | null;
}
