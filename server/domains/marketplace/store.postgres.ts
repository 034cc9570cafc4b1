import type { Database, Sql } from '../../kernel/database.ts';
import { createKeyStore, deleteKey, keepAnswer } from './keyed-requests.postgres.ts';
import type { MarketplaceStore } from './ports.ts';
import {
  type InterruptedRow,
  interruptedOf,
  type RequesterRow,
  type ServedRow,
  transactionOfRequester,
  transactionOfServed,
} from './rows.ts';
import type { Transaction } from './types.ts';

/** What both sides of a transaction may read. */
const SHARED_COLUMNS = `model, state, provider_id, prompt_tokens, completion_tokens, billed_tokens, cost_cents, fee_cents,
  earnings_cents, finish_reason, failure_code, created_at, finished_at`;
/** The largest number of a BIGINT: a sum stops there instead of failing the transaction around it. */
const BIGINT_MAX = 2n ** 63n - 1n;

/** Offers, transactions and keys in PostgreSQL. The server writes across tenants; whoever asks reads as its own tenant. */
export function createMarketplaceStore(database: Database): MarketplaceStore {
  return {
    ...createKeyStore(database),

    saveOffer: ({ deviceId, tenantId }, { models, slots }, newId, nowMs) =>
      database.system('money', async (sql) => {
        const [row] = await sql<{ id: string }[]>`
          INSERT INTO marketplace_providers (id, tenant_id, device_id, slots, offered_at)
          VALUES (${newId}, ${tenantId}, ${deviceId}, ${slots}, ${new Date(nowMs)})
          ON CONFLICT (device_id) DO UPDATE SET slots = excluded.slots, offered_at = excluded.offered_at,
            tenant_id = excluded.tenant_id
          RETURNING id`;
        const id = row?.id ?? newId;
        const offered = models.map((model) => ({
          ...model,
          priceCentsPer1000Tokens: Number(model.priceCentsPer1000Tokens),
        }));
        await sql`DELETE FROM marketplace_models WHERE provider_id = ${id}`;
        await sql`
          INSERT INTO marketplace_models (provider_id, tenant_id, name, price_cents_per_1000_tokens, context_tokens)
          SELECT ${id}::uuid, ${tenantId}::uuid, name, "priceCentsPer1000Tokens", "contextTokens"
          FROM jsonb_to_recordset(${JSON.stringify(offered)}::text::jsonb)
            AS row(name text, "priceCentsPer1000Tokens" bigint, "contextTokens" integer)`;
        return id;
      }),

    insertTransaction: (transaction, nodeId) =>
      database.system('money', async (sql) => {
        const { requester, providerOwner } = transaction;
        await sql`
          INSERT INTO marketplace_transactions (id, tenant_id, account_id, state, model, provider_id,
            price_cents_per_1000_tokens, attempts, held_cents, prompt_tokens, completion_tokens_max, created_at,
            node_id, hold_id, provider_tenant_id)
          VALUES (${transaction.id}, ${requester.tenantId}, ${requester.accountId}, 'PENDING', ${transaction.model},
            ${transaction.providerId}, ${transaction.priceCentsPer1000Tokens}, ${transaction.attempts},
            ${transaction.heldCents}, ${transaction.promptTokens}, ${transaction.completionTokensMax},
            ${new Date(transaction.createdAtMs)}, ${nodeId}, ${transaction.holdId}, ${providerOwner.tenantId})`;
      }),

    assignTransaction: (transaction) =>
      database.system('money', async (sql) => {
        const { providerOwner } = transaction;
        await sql`
          UPDATE marketplace_transactions SET state = 'PROCESSING', provider_id = ${transaction.providerId},
            price_cents_per_1000_tokens = ${transaction.priceCentsPer1000Tokens}, attempts = ${transaction.attempts},
            held_cents = ${transaction.heldCents}, hold_id = ${transaction.holdId},
            provider_tenant_id = ${providerOwner.tenantId}
          WHERE id = ${transaction.id} AND state IN ('PENDING', 'PROCESSING') AND intent_state IS NULL`;
      }),

    writeIntent: (id, settlement, answer, nowMs) =>
      database.system('money', async (sql) => {
        const result = await sql`
          UPDATE marketplace_transactions SET intent_state = ${settlement.state}, intent_at = ${new Date(nowMs)},
            completion_tokens = ${settlement.completionTokens}, billed_tokens = ${settlement.billedTokens},
            cost_cents = ${settlement.costCents}, fee_cents = ${settlement.feeCents},
            earnings_cents = ${settlement.earningsCents}, finish_reason = ${settlement.finishReason},
            failure_code = ${settlement.failureCode}, claimed_tokens = ${settlement.claimedTokens},
            counted_tokens = ${settlement.countedTokens}
          WHERE id = ${id} AND state IN ('PENDING', 'PROCESSING') AND intent_state IS NULL`;
        if (result.count === 0) {
          const decided = await sql`
            SELECT 1 FROM marketplace_transactions
            WHERE id = ${id} AND intent_state IS NOT NULL AND state <> 'FAILED'`;
          return decided.length === 1;
        }
        if (answer !== null) await keepAnswer(sql, id, answer);
        return true;
      }),

    finishSettled: (id, nowMs) =>
      database.system('money', async (sql) => {
        const [row] = await sql<{ provider_id: string; claimed_tokens: bigint; counted_tokens: bigint }[]>`
          UPDATE marketplace_transactions SET state = intent_state, finished_at = ${new Date(nowMs)}
          WHERE id = ${id} AND state IN ('PENDING', 'PROCESSING') AND intent_state IS NOT NULL
          RETURNING provider_id, claimed_tokens, counted_tokens`;
        if (!row) return null;
        await insertServed(sql, id);
        const [totals] = await sql<{ claimed_tokens: bigint; counted_tokens: bigint }[]>`
          UPDATE marketplace_providers SET counted_tokens = counted_tokens + ${row.counted_tokens},
            claimed_tokens = least(claimed_tokens, ${BIGINT_MAX} - ${row.claimed_tokens}::bigint)
              + ${row.claimed_tokens}
          WHERE id = ${row.provider_id} RETURNING claimed_tokens, counted_tokens`;
        if (!totals) return null;
        const { claimed_tokens: claimedTokens, counted_tokens: countedTokens } = totals;
        return { providerId: row.provider_id, claimedTokens, countedTokens };
      }),

    finishUnpaid: (id, state, code, nowMs) =>
      database.system('money', async (sql) => {
        const result = await sql`
          UPDATE marketplace_transactions SET state = ${state}, failure_code = ${code}, finish_reason = NULL,
            billed_tokens = 0, cost_cents = 0, fee_cents = 0, earnings_cents = 0, finished_at = ${new Date(nowMs)}
          WHERE id = ${id} AND state IN ('PENDING', 'PROCESSING')`;
        if (result.count === 0) return;
        await insertServed(sql, id);
        await deleteKey(sql, id);
      }),

    findInterrupted: ({ nodeId, intentBeforeMs, createdBeforeMs }, after, limit) =>
      database.system('money', async (sql) => {
        const at = after === null ? null : new Date(after.createdAtMs);
        const id = after?.id ?? null;
        const rows = await sql<InterruptedRow[]>`
          SELECT * FROM marketplace_transactions
          WHERE state IN ('PENDING', 'PROCESSING') AND (node_id = ${nodeId}
            OR intent_at < ${new Date(intentBeforeMs)} OR created_at < ${new Date(createdBeforeMs)})
            AND (${at}::timestamptz IS NULL OR (created_at, id) > (${at}::timestamptz, ${id}::uuid))
          ORDER BY created_at, id LIMIT ${limit}`;
        return rows.map(interruptedOf);
      }),

    findTransaction: (owner, id) =>
      database.tenant(owner.tenantId, async (sql) => {
        const [asked] = await sql<RequesterRow[]>`
          SELECT id, ${sql.unsafe(SHARED_COLUMNS)} FROM marketplace_transactions
          WHERE id = ${id} AND account_id = ${owner.accountId}`;
        if (asked) return transactionOfRequester(asked);
        const [served] = await sql<ServedRow[]>`
          SELECT * FROM marketplace_served WHERE transaction_id = ${id} AND tenant_id = ${owner.tenantId}`;
        return served ? transactionOfServed(served) : null;
      }),

    listTransactions: (owner, role, after, limit) =>
      database.tenant(owner.tenantId, async (sql) => {
        const at = after === null ? null : new Date(after.createdAtMs);
        const id = after?.id ?? null;
        const transactions: Transaction[] =
          role === 'requester'
            ? (
                await sql<RequesterRow[]>`
                  SELECT id, ${sql.unsafe(SHARED_COLUMNS)} FROM marketplace_transactions
                  WHERE account_id = ${owner.accountId}
                    AND (${at}::timestamptz IS NULL OR (created_at, id) < (${at}::timestamptz, ${id}::uuid))
                  ORDER BY created_at DESC, id DESC LIMIT ${limit + 1}`
              ).map(transactionOfRequester)
            : (
                await sql<ServedRow[]>`
                  SELECT * FROM marketplace_served WHERE tenant_id = ${owner.tenantId}
                    AND (${at}::timestamptz IS NULL OR (created_at, transaction_id) < (${at}::timestamptz, ${id}::uuid))
                  ORDER BY created_at DESC, transaction_id DESC LIMIT ${limit + 1}`
              ).map(transactionOfServed);
        const page = transactions.slice(0, limit);
        const last = page.at(-1);
        const next =
          transactions.length > limit && last ? { createdAtMs: last.createdAtMs, id: last.id } : null;
        return { transactions: page, next };
      }),
  };
}

/** The provider's row of a transaction that has ended. */
async function insertServed(sql: Sql, id: string): Promise<void> {
  const columns = sql.unsafe(SHARED_COLUMNS);
  await sql`
    INSERT INTO marketplace_served (transaction_id, tenant_id, ${columns})
    SELECT id, provider_tenant_id, ${columns} FROM marketplace_transactions WHERE id = ${id}
    ON CONFLICT DO NOTHING`;
}
