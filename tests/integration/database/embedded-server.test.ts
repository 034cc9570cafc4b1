import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { asId } from '../../../server/kernel/ids.ts';
import { StartError } from '../../../server/kernel/start-error.ts';
import { embeddedUrls } from '../../../server/platform/database/embedded/bootstrap.ts';
import { type OpenDatabase, openDatabase } from '../../../server/platform/database/index.ts';
import { loginOf, SYSTEM_JOBS } from '../../../server/platform/database/logins.ts';
import { createSystemClock } from '../../../server/platform/system/clock.ts';
import { prepareDataDirectory } from '../../../server/platform/system/data-directory.ts';
import { createSystemRandom } from '../../../server/platform/system/random.ts';
import { serverFor } from '../../support/actors.ts';
import { uuid } from '../../support/frames.ts';
import { silentLogger } from '../../support/logger.ts';
import { administer, withDatabase } from '../../support/test-cluster.ts';

/** More for all pools than PostgreSQL admits by default. */
const POOL_CONNECTIONS = 30;

const secret = randomBytes(16).toString('hex');
let root: string;
let open: OpenDatabase;
let superuserUrl: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'yggdrasil-embedded-'));
  await chmod(root, 0o711);
  const dataDirectory = await prepareDataDirectory(join(root, 'data'));
  open = await openDatabase(
    {
      source: { kind: 'embedded', dataDirectory, secret, settings: { fsync: 'off' } },
      poolConnectionsMax: POOL_CONNECTIONS,
    },
    { clock: createSystemClock(), random: createSystemRandom(), logger: silentLogger },
  );
  superuserUrl = embeddedUrls(join(dataDirectory, 'postgresql', 'run'), secret).superuserUrl;
  await open.migrate();
});
afterAll(async () => {
  await open?.close(1_000);
  await rm(root, { recursive: true, force: true });
});

test('the embedded database admits every connection of five large pools at once', async () => {
  let begun = 0;
  let letGo = () => {};
  const all = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  const work = async () => {
    begun++;
    if (begun === 5 * POOL_CONNECTIONS) letGo();
    await all;
  };
  const transactions = Array.from({ length: POOL_CONNECTIONS }, () => [
    ...SYSTEM_JOBS.map((job) => open.database.system(job, work)),
    open.database.tenant(serverFor(asId(uuid(1))), work),
  ]);
  await Promise.all(transactions.flat());
  expect(begun).toBe(5 * POOL_CONNECTIONS);
});

test.each(['SUPERUSER', 'BYPASSRLS'])('a role of ours with %s is refused with one message', async (right) => {
  for (const role of ['yggdrasil_money', loginOf('money', secret)]) {
    await administer(superuserUrl, `ALTER ROLE ${role} ${right}`);
    const refusal = await open.migrate().catch((error: unknown) => error);
    await administer(superuserUrl, `ALTER ROLE ${role} NO${right}`);
    expect(refusal).toBeInstanceOf(StartError);
    expect(String(refusal)).toMatch(/yggdrasil_money goes past row-level security/);
  }
  await expect(open.migrate()).resolves.toEqual([]);
});

test.each([
  [
    'may take on another role',
    (login: string) => [`GRANT yggdrasil_relay TO ${login}`, `REVOKE yggdrasil_relay FROM ${login}`],
    /is a member of yggdrasil_relay/,
  ],
  [
    'owns a table',
    (login: string) => [
      `ALTER TABLE yggdrasil.setup_code OWNER TO ${login}`,
      'ALTER TABLE yggdrasil.setup_code OWNER TO yggdrasil_owner',
    ],
    /owns tables/,
  ],
] as const)("a pool's user who %s is refused with one message", async (_, statementsOf, message) => {
  const url = withDatabase(superuserUrl, 'yggdrasil');
  const [give = '', take = ''] = statementsOf(loginOf('money', secret));
  await administer(url, give);
  const refusal = await open.migrate().catch((error: unknown) => error);
  await administer(url, take);
  expect(refusal).toBeInstanceOf(StartError);
  expect(String(refusal)).toMatch(message);
});

test("each pool's session logs in as a user of its own", async () => {
  const users = await Promise.all(
    SYSTEM_JOBS.map((job) =>
      open.database.system(
        job,
        async (sql) => (await sql`SELECT session_user AS me, current_user AS role`)[0],
      ),
    ),
  );
  expect(users).toEqual(SYSTEM_JOBS.map((job) => ({ me: loginOf(job, secret), role: `yggdrasil_${job}` })));
});
