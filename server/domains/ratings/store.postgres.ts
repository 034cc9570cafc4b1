import type { AccountActor } from '../../kernel/actor.ts';
import type { Database, Sql } from '../../kernel/database.ts';
import { notFound } from '../../kernel/errors.ts';
import type { TransactionId } from '../../kernel/ids.ts';
import { type ProviderRating, ratedProviders } from '../quality/index.ts';
import { findSettled, type SettledTransaction } from '../transactions/index.ts';
import { nothingToRate, ratingClosed } from './errors.ts';
import { CHANGE_WITHIN_MS, RATE_WITHIN_MS, STARS_MAX } from './limits.ts';
import type { RatingStore } from './ports.ts';
import type { Rating } from './types.ts';

/** Ratings in PostgreSQL. A rating names who gave it and whom it is about, so the server alone reads and writes them, by side. */
export function createRatingStore(database: Database): RatingStore {
  const system = <T>(work: (sql: Sql) => Promise<T>) => database.system('money', work);
  return {
    rate: (rater, transactionId, stars, nowMs) =>
      system((sql) => rate(sql, rater, transactionId, stars, nowMs)),
    find: ({ tenantId, accountId }, transactionId) =>
      system(async (sql) => {
        const [row] = await sql<RatingRow[]>`
          SELECT stars, rated_at FROM marketplace_ratings
          WHERE transaction_id = ${transactionId} AND tenant_id = ${tenantId} AND account_id = ${accountId} LIMIT 1`;
        return row === undefined ? null : toRating(transactionId, row);
      }),
    summarize: (tenantId, providerId) =>
      system(async (sql) => {
        const rows = await sql<{ stars: number; count: bigint }[]>`
          SELECT stars, count(*) FROM marketplace_ratings
          WHERE provider_id = ${providerId} AND provider_tenant_id = ${tenantId} GROUP BY stars`;
        const byStars = Array.from({ length: STARS_MAX }, (_, index) =>
          Number(rows.find(({ stars }) => stars === index + 1)?.count ?? 0n),
        );
        const { voices, stars } = await voicesAbout(sql, providerId);
        return {
          ratings: byStars.reduce((sum, count) => sum + count, 0),
          accounts: voices,
          meanStars: voices === 0 ? null : Math.round((stars / voices) * 100) / 100,
          byStars,
        };
      }),
  };
}

interface RatingRow {
  readonly stars: number;
  readonly rated_at: Date;
}

const toRating = (transactionId: TransactionId, { stars, rated_at }: RatingRow): Rating => ({
  transactionId,
  stars,
  ratedAtMs: rated_at.getTime(),
  changeableUntilMs: rated_at.getTime() + CHANGE_WITHIN_MS,
});

async function rate(
  sql: Sql,
  rater: AccountActor,
  transactionId: TransactionId,
  stars: number,
  nowMs: number,
) {
  const settled = await findSettled(sql, rater, transactionId);
  if (settled === null) throw notFound('transaction');
  const shares = ratedSharesOf(settled, rater);
  // Ratings of the same provider are written one after the other, so that the voices are all in the sum; in one order for all.
  for (const { providerId } of shares)
    await sql`SELECT pg_advisory_xact_lock(hashtextextended('marketplace_ratings ' || ${providerId}::text, 0))`;
  const [earlier] = await sql<RatingRow[]>`
    SELECT stars, rated_at FROM marketplace_ratings WHERE transaction_id = ${transactionId} LIMIT 1`;
  requireOpen(settled, earlier, nowMs);
  const at = new Date(nowMs);
  const providers = [];
  for (const { providerId, tenantId } of shares) {
    await sql`
      INSERT INTO marketplace_ratings (transaction_id, provider_id, provider_tenant_id, tenant_id, account_id, stars, rated_at)
      VALUES (${transactionId}, ${providerId}, ${tenantId}, ${rater.tenantId}, ${rater.accountId}, ${stars}, ${at})
      ON CONFLICT (transaction_id, provider_id) DO UPDATE SET stars = excluded.stars`;
    await addVoice(sql, rater, providerId);
    const rating = await voicesAbout(sql, providerId);
    providers.push({ providerId, tenantId, rating });
  }
  await ratedProviders.write(sql, providers, nowMs);
  return {
    rating: toRating(transactionId, { stars, rated_at: earlier?.rated_at ?? at }),
    providers,
  };
}

/** Whose work was paid by somebody else, and kept. Refuses with `transaction_unpaid` where there is none. */
function ratedSharesOf({ shares, isRefunded }: SettledTransaction, { tenantId }: AccountActor) {
  const ofOthers = shares.filter((share) => share.tenantId !== tenantId);
  if (isRefunded || ofOthers.length === 0) throw nothingToRate();
  return ofOthers;
}

function requireOpen({ endedAtMs }: SettledTransaction, earlier: RatingRow | undefined, nowMs: number): void {
  const untilMs =
    earlier === undefined
      ? (endedAtMs ?? nowMs) + RATE_WITHIN_MS
      : earlier.rated_at.getTime() + CHANGE_WITHIN_MS;
  if (nowMs > untilMs) throw ratingClosed();
}

/** The account's mean, as one voice. */
async function addVoice(sql: Sql, { tenantId, accountId }: AccountActor, providerId: string): Promise<void> {
  await sql`
    INSERT INTO marketplace_rating_voices (provider_id, account_id, tenant_id, stars)
    SELECT provider_id, account_id, ${tenantId}, avg(stars) FROM marketplace_ratings
    WHERE provider_id = ${providerId} AND account_id = ${accountId} GROUP BY provider_id, account_id
    ON CONFLICT (provider_id, account_id) DO UPDATE SET stars = excluded.stars`;
}

async function voicesAbout(sql: Sql, providerId: string): Promise<ProviderRating> {
  const [row] = await sql<{ voices: bigint; stars: number }[]>`
    SELECT count(*) AS voices, coalesce(sum(stars), 0)::float8 AS stars FROM marketplace_rating_voices
    WHERE provider_id = ${providerId}`;
  return { voices: Number(row?.voices ?? 0n), stars: row?.stars ?? 0 };
}
