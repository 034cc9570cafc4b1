import { randomBytes } from 'node:crypto';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { StartError } from '../../../server/kernel/start-error.ts';
import { useExclusively } from '../../../server/platform/database/exclusive.ts';
import { openDatabase } from '../../../server/platform/database/index.ts';
import { checkServer } from '../../../server/platform/database/server.ts';
import { createSystemClock } from '../../../server/platform/system/clock.ts';
import { createSystemRandom } from '../../../server/platform/system/random.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { silentLogger } from '../../support/logger.ts';
import { administer, TEST_DATABASE_SECRET, withDatabase } from '../../support/test-cluster.ts';

const open = (url: string) =>
  openDatabase(
    { source: { kind: 'server', url, secret: TEST_DATABASE_SECRET } },
    { clock: createSystemClock(), random: createSystemRandom(), logger: silentLogger },
  );

const refusalOf = (attempt: Promise<unknown>): Promise<unknown> =>
  attempt.then(
    () => null,
    (reason: unknown) => reason,
  );

/** A StartError of one line that holds `text` and not the password. */
function expectOneLine(error: unknown, text: RegExp): void {
  expect(error).toBeInstanceOf(StartError);
  expect(String(error)).toMatch(text);
  expect(String(error)).not.toMatch(/hunter2|\n/);
}

/** Refused in time, with a message that holds `text` and not the password. */
async function expectRefusal(url: string, text: RegExp): Promise<void> {
  const begunMs = performance.now();
  expectOneLine(await refusalOf(open(url)), text);
  expect(performance.now() - begunMs).toBeLessThan(12_000);
}

/** A listener that does `work` to each connection. */
async function withListener(
  work: (socket: Socket) => void,
  use: (port: number) => Promise<void>,
): Promise<void> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    work(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    await use((server.address() as AddressInfo).port);
  } finally {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  }
}

describe('DATABASE_URL', () => {
  let scratch: TestDatabase;
  beforeAll(async () => {
    scratch = await createTestDatabase();
  });
  afterAll(() => scratch?.close());

  test('where nobody listens is refused with one message', async () => {
    await expectRefusal(
      'postgres://me:hunter2@127.0.0.1:1/db',
      /can't be reached: .*ECONNREFUSED.*DATABASE_URL/,
    );
  });

  test('of a host that does not exist is refused with one message', async () => {
    await expectRefusal('postgres://me:hunter2@nowhere.invalid/db', /can't be reached: .*nowhere\.invalid/);
  });

  test.each([
    ['says nothing', () => {}, /can't be reached: .*CONNECT_TIMEOUT/],
    ['hangs up', (socket: Socket) => socket.end(), /can't be reached/],
    [
      'speaks something else',
      (socket: Socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'),
      /can't be reached|refuses us/,
    ],
  ])('of a host that accepts and %s is refused in bounded time', async (_what, work, message) => {
    await withListener(work, async (port) => {
      const url = `postgres://me:hunter2@127.0.0.1:${port}/db`;
      const begunMs = performance.now();
      expectOneLine(await refusalOf(checkServer(url, 300)), message);
      expect(performance.now() - begunMs).toBeLessThan(2_000);
    });
  });

  test('with a database that does not exist is refused with one message', async () => {
    await expectRefusal(
      withDatabase(scratch.url, 'missing'),
      /refuses us: database "missing" does not exist/,
    );
  });

  test.runIf(new URL(inject('testCluster').ownerUrl).password !== '')(
    'with a wrong password is refused with one message',
    async () => {
      const wrong = Object.assign(new URL(scratch.url), { password: 'hunter2' }).toString();
      await expectRefusal(wrong, /refuses us: password authentication failed.*Check DATABASE_URL,/);
    },
  );

  test('with a user whom nobody knows is refused with one message', async () => {
    const unknown = Object.assign(new URL(scratch.url), { username: 'nobody_here', password: 'hunter2' });
    await expectRefusal(unknown.toString(), /refuses us: .*"nobody_here".*DATABASE_URL/);
  });

  test('whose one user owns the tables works, and the pools still run as their roles', async () => {
    const database = await open(scratch.url);
    try {
      await database.migrate();
      await database.ping();
      const rows = await database.database.system('identity', (sql) => sql`SELECT current_user AS me`);
      expect(rows[0]?.me).toBe('yggdrasil_identity');
    } finally {
      await database.close(1_000);
    }
  });

  test('whose user may not create what the server needs is refused with one message', async () => {
    const empty = await createTestDatabase({ migrated: false });
    const { adminUrl } = inject('testCluster');
    const user = `yggdrasil_weak_${randomBytes(4).toString('hex')}`;
    await administer(adminUrl, `CREATE ROLE ${user} LOGIN PASSWORD 'hunter2'`);
    try {
      const url = Object.assign(new URL(empty.url), { username: user, password: 'hunter2' }).toString();
      const database = await open(url);
      expectOneLine(
        await refusalOf(database.migrate()),
        new RegExp(`"${user}" may not do what the server needs: permission denied.*CREATEROLE`),
      );
      await database.close(0);
    } finally {
      await empty.close();
      await administer(adminUrl, `DROP ROLE ${user}`);
    }
  });
});

describe('a database in exclusive use', () => {
  let scratch: TestDatabase;
  beforeAll(async () => {
    scratch = await createTestDatabase();
  });
  afterAll(() => scratch?.close());
  const use = (isAbandoned = async () => false) =>
    useExclusively(scratch.url, { logger: silentLogger, isAbandoned, endSessions: async () => {} });

  test('is refused to a second server, and given to it when the first ends meanwhile', async () => {
    const first = await use();
    expectOneLine(await refusalOf(use()), /^StartError: Another server uses the database at .*DATABASE_URL/);
    const waiting = use();
    await first.end();
    await (await waiting).end();
  });

  test('is taken from a server that hangs, and from no other', async () => {
    const first = await use();
    const second = await use(async () => true);
    expectOneLine(await refusalOf(use()), /^StartError: Another server uses the database/);
    await Promise.all([first.end(), second.end()]);
  });

  test('is taken with every statement and lock that the server which hangs has open', async () => {
    const hanging = await open(scratch.url);
    const next = await open(scratch.url);
    try {
      await hanging.useExclusively(async () => false);
      const ended = refusalOf(hanging.database.system('relay', (sql) => sql`SELECT pg_sleep(25)`));
      await next.useExclusively(async () => true);
      expect(await ended).toMatchObject({ code: 'unavailable' });
    } finally {
      await Promise.all([hanging.close(0), next.close(0)]);
    }
  });

  test('is taken again after its connection was lost', async () => {
    const first = await use();
    const holders = () =>
      scratch.database.system(
        'identity',
        (sql) => sql<{ pid: number }[]>`
          SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted
            AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
      );
    const [{ pid } = { pid: 0 }] = await holders();
    await administer(inject('testCluster').adminUrl, `SELECT pg_terminate_backend(${pid})`);
    await expect
      .poll(async () => (await holders()).map((holder) => holder.pid !== pid), { timeout: 10_000 })
      .toEqual([true]);
    await first.end();
    expect(await holders()).toEqual([]);
  });
});
