import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createAccountStore, createSignInNoticeStore } from '../../../server/domains/accounts/index.ts';
import type { SignInNoticeStore } from '../../../server/domains/accounts/ports.ts';
import { makeToken } from '../../../server/domains/accounts/tokens.ts';
import { createTenantRows } from '../../../server/domains/tenants/index.ts';
import { type AccountId, asId, type TenantId } from '../../../server/kernel/ids.ts';
import { FakeClock } from '../../support/clock.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { createSeededRandom } from '../../support/random.ts';

let db: TestDatabase;
let store: SignInNoticeStore;
beforeAll(async () => {
  db = await createTestDatabase();
  store = createSignInNoticeStore(db.database);
});
afterAll(() => db.close());

const clock = new FakeClock();
const random = createSeededRandom(1);
const DAY_MS = 86_400_000;

/** A new account with an address, or (null) without. */
async function newAccount(address: string | null): Promise<AccountId> {
  const id = asId<AccountId>(random.uuid());
  const homeTenantId = asId<TenantId>(random.uuid());
  const account = { id, homeTenantId, name: 'Ann', operator: false, createdAtMs: clock.nowMs() };
  const { token } = makeToken('First', { clock, random, hash: () => random.bytes(32) });
  await createAccountStore(db.database, createTenantRows()).addAccount(account, token, address);
  return id;
}

const note = (accountId: AccountId, origin: number, isFirst = false) =>
  store.noteSignIn(
    accountId,
    { originHash: Buffer.alloc(32, origin), nowMs: clock.nowMs(), isFirst },
    { knownMax: 4, noticesMax: 2, sinceMs: clock.nowMs() - DAY_MS },
  );

const countOf = (accountId: AccountId) =>
  db.database.system('identity', async (sql) => {
    const rows = await sql`SELECT 1 FROM known_sign_ins WHERE account_id = ${accountId}`;
    return rows.length;
  });

describe('a sign-in', () => {
  it('is told of once for each origin, and not when it is the first of a new account', async () => {
    const ann = await newAccount('ann@example.org');
    const bob = await newAccount('bob@example.org');
    expect(await note(ann, 1, true)).toBeNull();
    expect(await note(ann, 1)).toBeNull();
    expect(await note(ann, 2)).toBe('ann@example.org');
    expect(await note(ann, 2)).toBeNull();
    expect(await note(bob, 2)).toBe('bob@example.org');
  });

  it('that comes twice at once is told of once', async () => {
    const account = await newAccount('twice@example.org');
    const told = await Promise.all([note(account, 1), note(account, 1)]);
    expect(told.filter((address) => address !== null)).toHaveLength(1);
  });

  it('is told of so often a day, however many origins there are, and few of them are kept', async () => {
    const account = await newAccount('flooded@example.org');
    const told: (string | null)[] = [];
    for (let origin = 1; origin <= 20; origin++) {
      clock.advance(1_000);
      told.push(await note(account, origin));
    }
    expect(told.filter((address) => address !== null)).toHaveLength(2);
    expect(await countOf(account)).toBe(4);
    clock.advance(DAY_MS);
    expect(await note(account, 21)).toBe('flooded@example.org');
    expect(await countOf(account)).toBe(4);
    // The origin that was used last before is known still.
    expect(await note(account, 20)).toBeNull();
  });

  it('of an account without an address, or of one that is gone, tells nobody', async () => {
    expect(await note(await newAccount(null), 1)).toBeNull();
    expect(await note(asId<AccountId>(random.uuid()), 1)).toBeNull();
  });
});
