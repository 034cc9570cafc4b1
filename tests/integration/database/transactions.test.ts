import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { inOrder, withLast } from '../../../server/kernel/database.ts';
import { AppError } from '../../../server/kernel/errors.ts';
import { asId, type TenantId } from '../../../server/kernel/ids.ts';
import { connect } from '../../../server/platform/database/connect.ts';
import { type OpenDatabase, openDatabase } from '../../../server/platform/database/index.ts';
import { createSystemClock } from '../../../server/platform/system/clock.ts';
import { createSystemRandom } from '../../../server/platform/system/random.ts';
import { serverFor } from '../../support/actors.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { uuid } from '../../support/frames.ts';
import { silentLogger } from '../../support/logger.ts';
import { TEST_DATABASE_SECRET } from '../../support/test-cluster.ts';

const deps = { clock: createSystemClock(), random: createSystemRandom(), logger: silentLogger };

let scratch: TestDatabase;
beforeAll(async () => {
  scratch = await createTestDatabase();
});
afterAll(() => scratch?.close());

const raise = (code: string) => `DO $$ BEGIN RAISE EXCEPTION 'made up' USING ERRCODE = '${code}'; END $$`;
const unavailable = expect.objectContaining({ kind: 'unavailable', code: 'unavailable' });

describe('values', () => {
  test('arrive as bigint, Date, text and Buffer', async () => {
    const [row] = await scratch.database.system(
      'identity',
      (sql) => sql`
        SELECT 9007199254740993::bigint AS big, '2026-01-02T03:04:05Z'::timestamptz AS at, ${uuid(1)}::uuid AS id,
          '\\x0102'::bytea AS bytes`,
    );
    expect(row).toEqual({
      big: 9007199254740993n,
      at: new Date('2026-01-02T03:04:05Z'),
      id: uuid(1),
      bytes: Buffer.from([1, 2]),
    });
  });

  test('are sent as bigint without loss', async () => {
    const [row] = await scratch.database.system(
      'identity',
      (sql) => sql`SELECT ${2n ** 62n}::bigint::text AS big`,
    );
    expect(row?.big).toBe('4611686018427387904');
  });
});

describe('a transaction', () => {
  test.each(['40001', '40P01'])('that fails with %s is run again and succeeds', async (code) => {
    let attempts = 0;
    const result = await scratch.database.system('identity', async (sql) => {
      attempts++;
      if (attempts < 3) await sql.unsafe(raise(code));
      return 'done';
    });
    expect({ result, attempts }).toEqual({ result: 'done', attempts: 3 });
  });

  test('that fails so three times is given up with the error', async () => {
    let attempts = 0;
    const run = scratch.database.system('identity', async (sql) => {
      attempts++;
      await sql.unsafe(raise('40001'));
    });
    await expect(run).rejects.toEqual(expect.objectContaining({ code: '40001' }));
    expect(attempts).toBe(3);
  });

  test('that fails otherwise is not run again', async () => {
    let attempts = 0;
    const run = scratch.database.tenant(serverFor(asId<TenantId>(uuid(1))), async (sql) => {
      attempts++;
      await sql.unsafe(raise('23505'));
    });
    await expect(run).rejects.toEqual(expect.objectContaining({ code: '23505' }));
    expect(attempts).toBe(1);
  });

  test('that throws an AppError passes it on and keeps nothing', async () => {
    const refusal = new AppError('conflict', 'conflict', 'No.');
    const id = uuid(77);
    await expect(
      scratch.database.system('identity', async (sql) => {
        await sql`INSERT INTO tenants (id) VALUES (${id})`;
        throw refusal;
      }),
    ).rejects.toBe(refusal);
    expect(
      await scratch.database.system('identity', (sql) => sql`SELECT FROM tenants WHERE id = ${id}`),
    ).toHaveLength(0);
  });

  test('two that lock each other both succeed', async () => {
    const ids = [uuid(101), uuid(102)];
    await scratch.database.system(
      'identity',
      (sql) => sql`INSERT INTO tenants ${sql(ids.map((id) => ({ id })))}`,
    );
    const first = manual();
    const second = manual();
    const lock = (
      own: string,
      other: string,
      mine: { resolve: () => void },
      theirs: { promise: Promise<void> },
    ) =>
      scratch.database.system('identity', async (sql) => {
        await sql`SELECT pg_advisory_xact_lock(hashtext(${own}))`;
        mine.resolve();
        await theirs.promise;
        await sql`SELECT pg_advisory_xact_lock(hashtext(${other}))`;
        return 'done';
      });
    const [a = '', b = ''] = ids;
    expect(await Promise.all([lock(a, b, first, second), lock(b, a, second, first)])).toEqual([
      'done',
      'done',
    ]);
  });

  test('whose connection is lost gets unavailable at its next statement, and the next one runs', async () => {
    const administrator = connect(inject('testCluster').adminUrl, { connectionsMax: 1 });
    const killed = scratch.database.system('identity', async (sql) => {
      const [own] = await sql<{ pid: number }[]>`SELECT pg_backend_pid() AS pid`;
      const terminate = async () =>
        await administrator`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = ${own?.pid ?? 0}`;
      await expect.poll(terminate, { timeout: 15_000 }).toEqual([]);
      await sql`SELECT 1`;
    });
    await expect(killed).rejects.toEqual(unavailable);
    await administrator.end();
    expect(await scratch.database.system('identity', (sql) => sql`SELECT 1 AS one`)).toEqual([{ one: 1 }]);
  });

  test('in which a statement failed ends with its error and keeps nothing, also where its work goes on without it', async () => {
    const name = `kept by mistake ${uuid(7)}`;
    const caught = scratch.database.system('identity', async (sql) => {
      await sql`INSERT INTO tenants (id, name, created_at) VALUES (${uuid(7)}, ${name}, now())`;
      await sql`SELECT 1 / 0`.catch(() => {});
      return 'done';
    });
    await expect(caught).rejects.toMatchObject({ code: '22012' });
    const later = scratch.database.system('identity', async (sql) => {
      await sql`INSERT INTO tenants (id, name, created_at) VALUES (${uuid(7)}, ${name}, now())`;
      await sql`SELECT 1 / 0`.catch(() => {});
      await sql`SELECT 1`;
    });
    await expect(later).rejects.toMatchObject({ code: '22012' });
    const asText = scratch.database.system('identity', async (sql) => {
      await sql`INSERT INTO tenants (id, name, created_at) VALUES (${uuid(7)}, ${name}, now())`;
      await sql.unsafe(raise('22012')).catch(() => {});
    });
    await expect(asText).rejects.toThrow('kept nothing');
    const kept = await scratch.database.system(
      'identity',
      (sql) => sql`SELECT FROM tenants WHERE id = ${uuid(7)}`,
    );
    expect(kept).toHaveLength(0);
  });

  test('keeps what it does at last, in the order in which it was begun, however deep', async () => {
    const order = await scratch.database.system('node', async (sql, lastly) => {
      const said = async (word: string) => {
        const [row] = await sql<{ word: string; before: string | null }[]>`
          SELECT ${word} AS word, current_setting('app.said', true) AS before, set_config('app.said', ${word}, true)`;
        return [row?.before || null, row?.word];
      };
      await said('first');
      const rows = await lastly(async () => {
        const nested = Promise.all([said('second'), Promise.all([said('third')])]);
        const plain = sql`
          INSERT INTO node_jobs (job, node_id) SELECT 'never', ${uuid(9)} WHERE false RETURNING job`;
        return [await nested, [...(await plain)]];
      });
      return rows;
    });
    expect(order).toEqual([[['first', 'second'], [['second', 'third']]], []]);
  });

  test('carries out steps in their order, statements of functions and bare ones', async () => {
    const said = await scratch.database.system('node', async (sql) => {
      const say = (word: string) =>
        sql<{ before: string }[]>`
          SELECT current_setting('app.said', true) AS before, set_config('app.said', ${word}, true)`;
      const sayLater = async (word: string) => [...(await say(word))];
      const steps = await inOrder(
        () => say('first'),
        () => sayLater('second'),
        () => say('third'),
        () => sayLater('fourth'),
      );
      return steps.map(([row]) => row?.before || null);
    });
    expect(said).toEqual([null, 'first', 'second', 'third']);
  });

  test('keeps a bare statement that it does at last', async () => {
    const id = uuid(8);
    await scratch.database.system('identity', (sql, lastly) =>
      lastly(() => sql`INSERT INTO tenants (id, name, created_at) VALUES (${id}, ${'kept'}, now())`),
    );
    const kept = () =>
      scratch.database.system('identity', (sql) => sql`SELECT FROM tenants WHERE id = ${id}`);
    expect(await kept()).toHaveLength(1);
  });

  test('keeps nothing where one statement of those at last fails', async () => {
    const id = uuid(10);
    const failed = scratch.database.system('identity', async (sql, lastly) => {
      await sql`INSERT INTO tenants (id, name, created_at) VALUES (${id}, ${'lost'}, now())`;
      await lastly(() => Promise.all([sql`SELECT 1`, sql`SELECT 1 / 0`, sql`SELECT 1`]));
    });
    await expect(failed).rejects.toMatchObject({ code: '22012' });
    const kept = await scratch.database.system(
      'identity',
      (sql) => sql`SELECT FROM tenants WHERE id = ${id}`,
    );
    expect(kept).toHaveLength(0);
  });

  test('takes no statement after those at last', async () => {
    const late = scratch.database.system('identity', async (sql, lastly) => {
      await lastly(() => sql`SELECT 1`);
      await sql`SELECT 1`;
    });
    await expect(late).rejects.toThrow('after its transaction was ended');
  });

  test.each([true, false])(
    'whose work says what it does at last (%s) can be given more to do then',
    async (says) => {
      const [value, more] = await scratch.database.system(
        'identity',
        withLast(
          (sql, lastly) => {
            const last = async () =>
              (await sql`SELECT set_config('app.said', 'last', true) AS said`)[0]?.said;
            return says ? lastly(last) : last();
          },
          async (sql) => (await sql`SELECT current_setting('app.said') AS said`)[0]?.said,
        ),
      );
      expect([value, more]).toEqual(['last', 'last']);
    },
  );

  test('takes no statement after its end, which would run outside of it', async () => {
    let late: (() => unknown) | null = null;
    await scratch.database.system('identity', async (sql) => {
      late = () => sql`SELECT 1`;
      await sql`SELECT 1`;
    });
    expect(late).toThrow('after its transaction was ended');
  });

  test('that reads at once and whose connection is lost gets unavailable, and those after it run', async () => {
    const actor = serverFor(asId<TenantId>(uuid(1)));
    const administrator = connect(inject('testCluster').adminUrl, { connectionsMax: 1 });
    const databaseName = new URL(scratch.url).pathname.slice(1);
    for (let time = 0; time < 20; time++) {
      let isOver = false;
      const killed = scratch.database.read(actor, (sql) => sql`SELECT pg_sleep(20)`);
      const refused = expect(
        killed.finally(() => {
          isOver = true;
        }),
      ).rejects.toEqual(unavailable);
      const terminate = async () => {
        await administrator`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = ${databaseName}`;
        return isOver;
      };
      await expect.poll(terminate, { timeout: 15_000 }).toBe(true);
      await refused;
    }
    await administrator.end();
    const reads = Array.from({ length: 40 }, () =>
      scratch.database.read(actor, (sql) => sql`SELECT 1 AS one`),
    );
    expect((await Promise.all(reads)).flat()).toEqual(reads.map(() => ({ one: 1 })));
  });
});

/** Often enough for all connections of a job to have prepared the statement. */
const RUNS = 20;

describe('a statement that can not be sent', () => {
  const never = new Date(Number.NaN);

  test.each([0, RUNS])('fails its transaction, also where it is prepared (%i runs before)', async (runs) => {
    const at = (date: Date) =>
      scratch.database.system('identity', (sql) => sql`SELECT ${runs} AS runs, ${date}::timestamptz AS at`);
    for (let run = 0; run < runs; run++) await at(new Date(0));
    await expect(at(never)).rejects.toThrow('Invalid time value');
    expect(await at(new Date(0))).toMatchObject([{ at: new Date(0) }]);
  });

  test('fails a transaction that reads at once, and shifts no answers', async () => {
    const read = (date: Date) =>
      scratch.database.read(serverFor(asId<TenantId>(uuid(1))), (sql) =>
        Promise.all([sql`SELECT 1 AS one`, sql`SELECT ${date}::timestamptz AS at`, sql`SELECT 3 AS three`]),
      );
    for (let run = 0; run < RUNS; run++) await read(new Date(0));
    await expect(read(never)).rejects.toThrow('Invalid time value');
    expect(await read(new Date(0))).toEqual([[{ one: 1 }], [{ at: new Date(0) }], [{ three: 3 }]]);
  });

  test.each([0, RUNS])('keeps nothing of what is done at last (%i runs before)', async (runs) => {
    const keep = (id: string, date: Date) =>
      scratch.database.system('identity', async (sql, lastly) => {
        await lastly(() =>
          inOrder(
            () => sql`INSERT INTO tenants (id, name, created_at) VALUES (${id}, ${'kept in part'}, now())`,
            () => sql`SELECT ${runs} AS runs, ${date}::timestamptz`,
          ),
        );
      });
    for (let run = 0; run < runs; run++) await keep(uuid(2_000 + run), new Date(0));
    await expect(keep(uuid(3_000), never)).rejects.toThrow('Invalid time value');
    const kept = await scratch.database.system(
      'identity',
      (sql) => sql`SELECT FROM tenants WHERE id = ${uuid(3_000)}`,
    );
    expect(kept).toHaveLength(0);
  });
});

describe('a prepared statement whose table has changed', () => {
  let owner: ReturnType<typeof connect>;
  beforeAll(() => {
    owner = connect(scratch.url, { connectionsMax: 1 });
  });
  afterAll(() => owner.end());

  test('is kept with what its transaction does at last, and once', async () => {
    await owner.unsafe(`
      CREATE TABLE one (id int);
      CREATE TABLE other (id int);
      GRANT ALL ON one, other TO yggdrasil_identity`);
    const keep = (id: number) =>
      scratch.database.system('identity', (sql, lastly) =>
        lastly(() =>
          inOrder(
            () => sql`INSERT INTO one VALUES (${id}) RETURNING *`,
            () => sql`INSERT INTO other VALUES (${id})`,
          ),
        ),
      );
    for (let run = 0; run < RUNS; run++) await keep(run);
    await owner.unsafe('ALTER TABLE one ADD COLUMN more int');
    await keep(RUNS);
    expect(await owner`SELECT one.id FROM one JOIN other USING (id) WHERE id = ${RUNS}`).toHaveLength(1);
    expect(await owner`SELECT id FROM one WHERE id = ${RUNS}`).toHaveLength(1);
  });

  test('reads what its tenant sees, not nothing', async () => {
    const tenantId = asId<TenantId>(uuid(4_000));
    await scratch.database.system(
      'identity',
      (sql) => sql`INSERT INTO tenants (id, name, created_at) VALUES (${tenantId}, 'read', now())`,
    );
    const read = () => scratch.database.read(serverFor(tenantId), (sql) => sql`SELECT * FROM tenants`);
    for (let run = 0; run < RUNS; run++) await read();
    await owner.unsafe('ALTER TABLE tenants ADD COLUMN more int');
    expect(await read()).toMatchObject([{ id: tenantId }]);
  });
});

describe('closing', () => {
  const reopen = (): Promise<OpenDatabase> =>
    openDatabase({ source: { kind: 'server', url: scratch.url, secret: TEST_DATABASE_SECRET } }, deps);

  test('waits for a running transaction and refuses new ones', async () => {
    const open = await reopen();
    const begun = manual();
    const release = manual();
    const running = open.database.system('identity', async (sql) => {
      begun.resolve();
      await release.promise;
      return (await sql`SELECT 1 AS one`)[0]?.one;
    });
    await begun.promise;
    const closing = open.close(10_000);
    await expect(open.database.system('identity', (sql) => sql`SELECT 1`)).rejects.toEqual(unavailable);
    release.resolve();
    expect(await running).toBe(1);
    await closing;
  });

  test('ends a transaction that does not end in time', async () => {
    const open = await reopen();
    const begun = manual();
    const running = open.database.system('identity', async (sql) => {
      begun.resolve();
      await sql`SELECT pg_sleep(60)`;
    });
    const outcome = expect(running).rejects.toEqual(unavailable);
    await begun.promise;
    await open.close(50);
    await outcome;
    const administrator = connect(inject('testCluster').adminUrl, { connectionsMax: 1 });
    const sleeping = () => administrator`
      SELECT 1 FROM pg_stat_activity
      WHERE datname = ${new URL(scratch.url).pathname.slice(1)} AND query LIKE '%pg_sleep(60)%'`;
    await expect.poll(async () => (await sleeping()).length, { timeout: 10_000 }).toBe(0);
    await administrator.end();
  });
});

test('a ping resolves while the database can be reached', async () => {
  await expect(scratch.open.ping()).resolves.toBeUndefined();
});

function manual(): { promise: Promise<void>; resolve: () => void } {
  let resolve = () => {};
  const promise = new Promise<void>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
