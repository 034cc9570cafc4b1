import type { Database } from '../../kernel/database.ts';
import type { TransactionId } from '../../kernel/ids.ts';
import type { SealedRows } from '../../kernel/sealed-rows.ts';
import { answerContext } from './kept-answer.ts';

/** The answers that are kept for whoever repeats their requests. */
export function createSealedAnswers(database: Database): SealedRows {
  return {
    list: (form, after, limit) =>
      database.system('money', async (sql) => {
        const rows = await sql<{ transaction_id: TransactionId; answer: Uint8Array }[]>`
          SELECT transaction_id, answer FROM marketplace_keyed_requests
          WHERE get_byte(answer, 0) = ${form} AND (${after}::uuid IS NULL OR transaction_id > ${after}::uuid)
          ORDER BY transaction_id LIMIT ${limit}`;
        return rows.map(({ transaction_id, answer }) => ({
          id: transaction_id,
          sealed: answer,
          context: answerContext(transaction_id),
        }));
      }),
    replace: (row, sealed) =>
      database.system('money', async (sql) => {
        await sql`
          UPDATE marketplace_keyed_requests SET answer = ${sealed}
          WHERE transaction_id = ${row.id} AND answer = ${row.sealed}`;
      }),
  };
}
