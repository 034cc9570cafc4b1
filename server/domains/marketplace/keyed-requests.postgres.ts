import type { Database, Sql } from '../../kernel/database.ts';
import type { TransactionId } from '../../kernel/ids.ts';
import type { KeyStore } from './ports.ts';
import { type RequesterRow, transactionOfRequester } from './rows.ts';

interface KeyedRow extends RequesterRow {
  readonly fingerprint: Uint8Array;
  readonly answer: Uint8Array | null;
}

/** Idempotency keys in PostgreSQL. Only the server reads them. */
export function createKeyStore(database: Database): KeyStore {
  return {
    claimKey: ({ requester, key, fingerprint, transactionId, nodeId, nowMs }, limits) =>
      database.system('money', async (sql) => {
        const inserted = await sql`
          INSERT INTO marketplace_keyed_requests
            (tenant_id, account_id, key, fingerprint, transaction_id, node_id, created_at)
          VALUES (${requester.tenantId}, ${requester.accountId}, ${key}, ${fingerprint}, ${transactionId}, ${nodeId},
            ${new Date(nowMs)})
          ON CONFLICT (account_id, key) DO NOTHING`;
        if (inserted.count === 1) {
          const [before] = await sql<{ count: bigint; bytes: bigint }[]>`
            SELECT count(*), coalesce(sum(octet_length(answer)), 0)::bigint AS bytes
            FROM marketplace_keyed_requests WHERE account_id = ${requester.accountId} AND key <> ${key}`;
          if (before && before.count < limits.keysMax && before.bytes < limits.bytesMax) {
            return { kind: 'claimed' };
          }
          await deleteUnanswered(sql, transactionId);
          return { kind: 'full' };
        }
        const [row] = await sql<KeyedRow[]>`
          SELECT kept.fingerprint, kept.answer, done.*
          FROM marketplace_keyed_requests kept
            LEFT JOIN marketplace_transactions done ON done.id = kept.transaction_id
          WHERE kept.account_id = ${requester.accountId} AND kept.key = ${key}`;
        if (row && !Buffer.from(row.fingerprint).equals(fingerprint)) return { kind: 'reused' };
        // Without a row the first request has failed this instant; the next one will be judged anew.
        if (!row?.answer) return { kind: 'in_flight' };
        return { kind: 'kept', kept: { transaction: transactionOfRequester(row), answer: row.answer } };
      }),

    releaseKey: (id) => database.system('money', (sql) => deleteUnanswered(sql, id)),

    forgetKeys: ({ nodeId, unansweredBeforeMs, beforeMs }) =>
      database.system('money', async (sql) => {
        // Two statements, because each has an index that the other could not use.
        await sql`DELETE FROM marketplace_keyed_requests WHERE created_at < ${new Date(beforeMs)}`;
        await sql`
          DELETE FROM marketplace_keyed_requests
          WHERE answer IS NULL AND (created_at < ${new Date(unansweredBeforeMs)} OR node_id = ${nodeId})`;
      }),
  };
}

/** Keeps the answer for whoever repeats the request. */
export async function keepAnswer(sql: Sql, id: TransactionId, answer: Uint8Array): Promise<void> {
  await sql`UPDATE marketplace_keyed_requests SET answer = ${answer} WHERE transaction_id = ${id}`;
}

/** Forgets the key of a request that ended unpaid, and an answer that was kept for it. */
export async function deleteKey(sql: Sql, id: TransactionId): Promise<void> {
  await sql`DELETE FROM marketplace_keyed_requests WHERE transaction_id = ${id}`;
}

/** Forgets the key of a request that failed. */
async function deleteUnanswered(sql: Sql, id: TransactionId): Promise<void> {
  await sql`DELETE FROM marketplace_keyed_requests WHERE transaction_id = ${id} AND answer IS NULL`;
}
