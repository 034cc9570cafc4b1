import { createAnalyticsService, createAnalyticsStore } from '../../server/domains/transactions/index.ts';
import type { AccountActor } from '../../server/kernel/actor.ts';
import type { Database } from '../../server/kernel/database.ts';
import { type AccountId, asId, type CredentialId, type TenantId } from '../../server/kernel/ids.ts';
import { type BenchSuite, round } from '../harness.ts';
import { openBenchDatabase } from '../processes/database.ts';
import { ANALYTICS_REFERENCE, PLAIN_PAGE } from '../references/plain-analytics.ts';

/** Requests where `ANALYTICS_REQUESTS` says nothing, all of one account in a year. The bound is for 10,000,000. */
const REQUESTS_DEFAULT = 1_000_000;
const REQUESTS_QUICK = 20_000;
const PAGES = 15;
const REFERENCE_PAGES = 3;
const MODELS = 4;
const KEYS = 3;
const PROVIDERS = 20;

const ASKER: AccountActor = {
  kind: 'account',
  tenantId: asId<TenantId>('00000000-0000-4000-8000-000000000001'),
  accountId: asId<AccountId>('00000000-0000-4000-8000-000000000002'),
  credentialId: asId<CredentialId>('00000000-0000-4000-8000-000000000003'),
  role: 'owner',
  networkIds: null,
  operator: false,
};

/** A page of analytics of thirty days, and of a year, beside the sums of all requests of these days. */
export const suite: BenchSuite = {
  name: 'analytics',
  run: async (report, { quick }) => {
    const { ANALYTICS_REQUESTS = String(quick ? REQUESTS_QUICK : REQUESTS_DEFAULT) } = process.env;
    const requests = Number(ANALYTICS_REQUESTS);
    const { database, sql, system, close } = await openBenchDatabase(1);
    try {
      const { tenantId, accountId } = ASKER;
      await addAsker(database);
      await sql.unsafe(ANALYTICS_REFERENCE);
      await sql`CALL bench.fill(${tenantId}, ${accountId}, ${requests}, ${MODELS}, ${KEYS}, ${PROVIDERS})`;
      await sql`VACUUM ANALYZE`;
      const { clock } = system;
      const analytics = createAnalyticsService({ store: createAnalyticsStore(database), clock });
      for (const [name, days] of [
        ['analytics-month', 30],
        ['analytics-year', 365],
      ] as const) {
        const toMs = clock.nowMs();
        const fromMs = toMs - days * 86_400_000;
        const asked = { role: 'requester', step: 'day', model: null, keyId: null, providerId: null } as const;
        const ours = await medianMs(PAGES, async () => {
          const { totals } = await analytics.analyse(ASKER, { ...asked, fromMs, toMs });
          if (totals.completed === 0) throw new Error('nothing was summed up');
        });
        const reference = await medianMs(REFERENCE_PAGES, async () => {
          await sql.unsafe(PLAIN_PAGE, [tenantId, accountId, new Date(fromMs), new Date(toMs)]);
        });
        const ratio = round(reference / ours);
        const note = `${requests} requests of one account in a year`;
        report({
          name,
          ours: round(ours),
          reference: round(reference),
          ratio,
          unit: 'ms',
          runs: PAGES,
          note,
        });
      }
    } finally {
      await close();
    }
  },
};

async function addAsker(database: Database): Promise<void> {
  const { tenantId, accountId } = ASKER;
  await database.system('identity', async (sql) => {
    await sql`INSERT INTO tenants (id) VALUES (${tenantId})`;
    await sql`INSERT INTO accounts (id, home_tenant_id, name, operator) VALUES (${accountId}, ${tenantId}, 'Asker', false)`;
    await sql`
      INSERT INTO memberships (tenant_id, account_id, role, all_networks) VALUES (${tenantId}, ${accountId}, 'owner', true)`;
  });
}

async function medianMs(times: number, work: () => Promise<void>): Promise<number> {
  const took: number[] = [];
  await work();
  for (let time = 0; time < times; time++) {
    const beganMs = performance.now();
    await work();
    took.push(performance.now() - beganMs);
  }
  return took.sort((a, b) => a - b)[Math.floor(times / 2)] as number;
}
