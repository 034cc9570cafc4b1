import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSignInStore } from '../../../server/domains/accounts/index.ts';
import type { SignInStore } from '../../../server/domains/accounts/ports.ts';
import { makeSession } from '../../../server/domains/accounts/tokens.ts';
import { createTenantRows } from '../../../server/domains/tenants/index.ts';
import { type AccountId, asId, type TenantId } from '../../../server/kernel/ids.ts';
import { FakeClock } from '../../support/clock.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { createSeededRandom } from '../../support/random.ts';

let db: TestDatabase;
let store: SignInStore;
beforeAll(async () => {
  db = await createTestDatabase();
  store = createSignInStore(db.database, createTenantRows());
});
afterAll(() => db.close());

const clock = new FakeClock();
const random = createSeededRandom(1);
const sources = { clock, random, hash: () => random.bytes(32) };
const TOKENS_MAX = 100;

const newAccount = (name: string) => ({
  id: asId<AccountId>(random.uuid()),
  homeTenantId: asId<TenantId>(random.uuid()),
  name,
  operator: false,
  createdAtMs: clock.nowMs(),
});

const addCode = async (address: string, accountName: string | null) => {
  const id = random.uuid();
  const createdAtMs = clock.nowMs();
  const code = { id, address, accountName, hash: random.bytes(32), triesLeft: 5, createdAtMs };
  await store.addCode({ ...code, expiresAtMs: createdAtMs + 600_000 }, { sinceMs: 0, codesMax: 10 });
  return id;
};

const use = (codeId: string) =>
  store.useCode(
    { codeId, nowMs: clock.nowMs(), isRight: () => true },
    makeSession(sources).token,
    newAccount,
    TOKENS_MAX,
  );

/** What is kept, by table. */
const count = async () =>
  db.database.system('identity', async (sql) => {
    const [row] = await sql<{ codes: bigint; tokens: bigint; accounts: bigint }[]>`
      SELECT (SELECT count(*) FROM sign_in_codes) AS codes, (SELECT count(*) FROM account_tokens) AS tokens,
        (SELECT count(*) FROM accounts) AS accounts`;
    return [Number(row?.codes), Number(row?.tokens), Number(row?.accounts)];
  });

describe('a code', () => {
  it('for signing in makes no account where its address has none', async () => {
    expect(await use(await addCode('nobody@example.org', null))).toBeNull();
    expect((await count())[2]).toBe(0);
  });

  it('is one of ten for its address, also where many are asked for at once', async () => {
    const [before = 0] = await count();
    await Promise.all(Array.from({ length: 30 }, () => addCode('flood@example.org', null)));
    expect((await count())[0]).toBe(before + 10);
    clock.advance(1);
    await store.removeExpired(clock.nowMs(), clock.nowMs());
  });

  it('that is used up waits for nothing of its address and its account', async () => {
    const codeId = await addCode('busy@example.org', 'Busy');
    const entered = await use(codeId);
    await db.database.system('identity', async (sql) => {
      for (const key of [`tokens:${entered?.account.id}`, 'address:busy@example.org']) {
        await sql`SELECT pg_advisory_xact_lock(hashtextextended(${key}, 0))`;
      }
      expect(await use(codeId)).toBeNull();
    });
    clock.advance(1);
    await db.database.system(
      'identity',
      (sql) => sql`DELETE FROM accounts WHERE id = ${entered?.account.id ?? null}`,
    );
    await store.removeExpired(clock.nowMs(), clock.nowMs());
  });

  it('and the token of a sign-in are removed when they have ended, and nothing before', async () => {
    expect(await use(await addCode('ann@example.org', 'Ann'))).toMatchObject({ isNew: true });
    const [codes] = await count();
    await store.removeExpired(clock.nowMs(), clock.nowMs());
    expect(await count()).toEqual([codes, 1, 1]);
    clock.advance(31 * 86_400_000);
    await store.removeExpired(clock.nowMs(), clock.nowMs());
    expect(await count()).toEqual([0, 0, 1]);
  });
});
