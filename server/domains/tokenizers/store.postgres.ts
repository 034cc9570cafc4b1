import type { Database, Sql } from '../../kernel/database.ts';
import { InvariantError } from '../../kernel/errors.ts';
import type { AccountId, TenantId } from '../../kernel/ids.ts';
import { TENANT_TOKENIZERS_MAX } from './limits.ts';
import type { TokenizerStore } from './ports.ts';
import { chooseTokenizer, type Vote } from './rules.ts';
import type { PackedTokenizer, TokenizerInUse, TokenizerRule } from './types.ts';

interface InUseRow {
  model: string;
  hash: string;
  rule: TokenizerRule;
  decided_by: AccountId | null;
  decided_at: Date;
}

const toInUse = ({ model, hash, rule, decided_by, decided_at }: InUseRow): TokenizerInUse => ({
  model,
  hash,
  rule,
  decidedBy: decided_by,
  decidedAtMs: decided_at.getTime(),
});

/** Tokenizers in PostgreSQL, each file once. The server writes them; a tenant reads which ones it has brought. */
export function createTokenizerStore(database: Database): TokenizerStore {
  return {
    inUse: () =>
      database.system('money', async (sql) => {
        const rows = await sql<InUseRow[]>`
          SELECT model, encode(hash, 'hex') AS hash, rule, decided_by, decided_at FROM marketplace_tokenizers_in_use`;
        return rows.map(toInUse);
      }),
    isKept: (hash) =>
      database.system('money', async (sql) => {
        const rows = await sql`SELECT FROM marketplace_tokenizers WHERE hash = decode(${hash}, 'hex')`;
        return rows.length > 0;
      }),
    read: (hash) =>
      database.system('money', async (sql) => {
        const [row] = await sql<{ packed: Uint8Array }[]>`
          SELECT packed FROM marketplace_tokenizers WHERE hash = decode(${hash}, 'hex')`;
        return row?.packed ?? null;
      }),
    bring: (tokenizer, nowMs) =>
      database.system('money', async (sql) => {
        await lockTokenizers(sql);
        if (!(await hasRoom(sql, tokenizer))) return 'full';
        await writeBrought(sql, tokenizer, nowMs);
        const inUse = await decideAnew(sql, tokenizer.model, nowMs);
        await forgetUnused(sql);
        return { inUse, broughtAtMs: nowMs };
      }),
    list: async (actor) => {
      const rows = await database.read(
        actor,
        (sql) => sql<{ model: string; hash: string; brought_at: Date }[]>`
          SELECT model, encode(hash, 'hex') AS hash, brought_at FROM marketplace_brought_tokenizers
          WHERE tenant_id = ${actor.tenantId} ORDER BY model`,
      );
      return rows.map(({ model, hash, brought_at }) => ({ model, hash, broughtAtMs: brought_at.getTime() }));
    },
    differences: (after, limit) =>
      database.system('money', async (sql) => {
        const rows = await sql<InUseRow[]>`
          SELECT model, encode(hash, 'hex') AS hash, rule, decided_by, decided_at FROM marketplace_tokenizers_in_use used
          WHERE (${after}::text IS NULL OR model > ${after}) AND EXISTS (SELECT FROM marketplace_brought_tokenizers brought
            WHERE brought.model = used.model AND brought.hash <> used.hash)
          ORDER BY model LIMIT ${limit}`;
        const differences = [];
        for (const row of rows) {
          differences.push({ inUse: toInUse(row), brought: await votesFor(sql, row.model) });
        }
        return differences;
      }),
    decide: (model, hash, decidedBy, nowMs) =>
      database.system('money', async (sql) => {
        await lockTokenizers(sql);
        const votes = await votesFor(sql, model);
        if (!votes.some((vote) => vote.hash === hash)) return null;
        return writeInUse(sql, { model, hash, rule: 'operator', decidedBy, decidedAtMs: nowMs });
      }),
  };
}

/** Seldom written, so one at a time: a file that nobody needs any more must not be one that is being brought. */
async function lockTokenizers(sql: Sql): Promise<void> {
  await sql`SELECT pg_advisory_xact_lock(hashtextextended('marketplace_tokenizers', 0))`;
}

async function hasRoom(
  sql: Sql,
  { tenantId, model }: { tenantId: TenantId; model: string },
): Promise<boolean> {
  const [row] = await sql<{ count: bigint }[]>`
    SELECT count(*) FROM marketplace_brought_tokenizers WHERE tenant_id = ${tenantId} AND model <> ${model}`;
  return Number(row?.count ?? 0n) < TENANT_TOKENIZERS_MAX;
}

async function writeBrought(sql: Sql, { tenantId, model, hash, packed }: PackedTokenizer, nowMs: number) {
  await sql`
    INSERT INTO marketplace_tokenizers (hash, packed) VALUES (decode(${hash}, 'hex'), ${packed}) ON CONFLICT DO NOTHING`;
  await sql`
    INSERT INTO marketplace_brought_tokenizers (tenant_id, model, hash, brought_at)
    VALUES (${tenantId}, ${model}, decode(${hash}, 'hex'), ${new Date(nowMs)})
    ON CONFLICT (tenant_id, model) DO UPDATE SET hash = excluded.hash, brought_at = excluded.brought_at`;
}

/** Which files were brought for a model, in the order in which they came, by how many owners. */
async function votesFor(sql: Sql, model: string): Promise<readonly Vote[]> {
  const rows = await sql<{ hash: string; owners: bigint }[]>`
    SELECT encode(hash, 'hex') AS hash, count(*) AS owners FROM marketplace_brought_tokenizers
    WHERE model = ${model} GROUP BY hash ORDER BY min(brought_at), hash`;
  return rows.map(({ hash, owners }) => ({ hash, owners: Number(owners) }));
}

async function decideAnew(sql: Sql, model: string, nowMs: number): Promise<TokenizerInUse> {
  const [row] = await sql<InUseRow[]>`
    SELECT model, encode(hash, 'hex') AS hash, rule, decided_by, decided_at FROM marketplace_tokenizers_in_use
    WHERE model = ${model}`;
  const before = row === undefined ? null : toInUse(row);
  const chosen = chooseTokenizer(before, await votesFor(sql, model));
  if (chosen === null) throw new InvariantError('a tokenizer was brought and is not there');
  if (before !== null && chosen.hash === before.hash) return before;
  return writeInUse(sql, { model, ...chosen, decidedBy: null, decidedAtMs: nowMs });
}

async function writeInUse(sql: Sql, next: TokenizerInUse): Promise<TokenizerInUse> {
  await sql`
    INSERT INTO marketplace_tokenizers_in_use (model, hash, rule, decided_by, decided_at)
    VALUES (${next.model}, decode(${next.hash}, 'hex'), ${next.rule}, ${next.decidedBy}, ${new Date(next.decidedAtMs)})
    ON CONFLICT (model) DO UPDATE SET hash = excluded.hash, rule = excluded.rule, decided_by = excluded.decided_by,
      decided_at = excluded.decided_at`;
  return next;
}

async function forgetUnused(sql: Sql): Promise<void> {
  await sql`
    DELETE FROM marketplace_tokenizers kept
    WHERE NOT EXISTS (SELECT FROM marketplace_brought_tokenizers brought WHERE brought.hash = kept.hash)
      AND NOT EXISTS (SELECT FROM marketplace_tokenizers_in_use used WHERE used.hash = kept.hash)`;
}
