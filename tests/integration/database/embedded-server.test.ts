import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { StartError } from '../../../server/kernel/start-error.ts';
import { embeddedUrls } from '../../../server/platform/database/embedded/bootstrap.ts';
import { type OpenDatabase, openDatabase } from '../../../server/platform/database/index.ts';
import { createSystemClock } from '../../../server/platform/system/clock.ts';
import { prepareDataDirectory } from '../../../server/platform/system/data-directory.ts';
import { createSystemRandom } from '../../../server/platform/system/random.ts';
import { uuid } from '../../support/frames.ts';
import { silentLogger } from '../../support/logger.ts';
import { administer } from '../../support/test-cluster.ts';

/** More for two pools than PostgreSQL admits by default. */
const POOL_CONNECTIONS = 60;

let root: string;
let open: OpenDatabase;
let superuserUrl: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'yggdrasil-embedded-'));
  await chmod(root, 0o711);
  const dataDirectory = await prepareDataDirectory(join(root, 'data'));
  const secret = randomBytes(16).toString('hex');
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

test('the embedded database admits every connection of two large pools at once', async () => {
  let begun = 0;
  let letGo = () => {};
  const all = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  const work = async () => {
    begun++;
    if (begun === 2 * POOL_CONNECTIONS) letGo();
    await all;
  };
  const transactions = Array.from({ length: POOL_CONNECTIONS }, () => [
    open.database.system('identity', work),
    open.database.tenant(uuid(1) as never, work),
  ]);
  await Promise.all(transactions.flat());
  expect(begun).toBe(2 * POOL_CONNECTIONS);
});

test.each(['SUPERUSER', 'BYPASSRLS'])('a role of ours with %s is refused with one message', async (right) => {
  await administer(superuserUrl, `ALTER ROLE yggdrasil_system ${right}`);
  const refusal = await open.migrate().catch((error: unknown) => error);
  await administer(superuserUrl, `ALTER ROLE yggdrasil_system NO${right}`);
  expect(refusal).toBeInstanceOf(StartError);
  expect(String(refusal)).toMatch(/yggdrasil_system go past row-level security/);
  await expect(open.migrate()).resolves.toEqual([]);
});
