import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { createPasskeyStore } from '../../../server/domains/accounts/passkeys.postgres.ts';
import { createPasswordStore } from '../../../server/domains/accounts/passwords.postgres.ts';
import { createSignInStore } from '../../../server/domains/accounts/sign-in.postgres.ts';
import { makeSession } from '../../../server/domains/accounts/tokens.ts';
import type { Account } from '../../../server/domains/accounts/types.ts';
import { createTenantRows } from '../../../server/domains/tenants/index.ts';
import { type AccountId, asId, type PasskeyId, type TenantId } from '../../../server/kernel/ids.ts';
import { FakeClock } from '../../support/clock.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { createSeededRandom } from '../../support/random.ts';

const clock = new FakeClock();
const random = createSeededRandom(1);
const nowMs = clock.nowMs();
const session = () => makeSession({ clock, random, hash: () => random.bytes(32) }).token;
const hash = `$argon2id$v=19$m=19456,t=2,p=1$${'a'.repeat(22)}$${'b'.repeat(43)}`;
const passkeyId = asId<PasskeyId>(random.uuid());
const TOKENS_MAX = 100;

let db: TestDatabase;
let account: Account;
beforeAll(async () => {
  db = await createTestDatabase();
  const store = createSignInStore(db.database, createTenantRows());
  const [id, address] = [random.uuid(), 'ann@example.org'];
  const code = { id, address, accountName: 'Ann', hash: random.bytes(32), triesLeft: 5, createdAtMs: nowMs };
  await store.addCode({ ...code, expiresAtMs: nowMs + 1 }, { sinceMs: 0, codesMax: 1 });
  const ids = { id: asId<AccountId>(random.uuid()), homeTenantId: asId<TenantId>(random.uuid()) };
  const newAccount = (name: string) => ({ ...ids, name, operator: false, createdAtMs: nowMs });
  const entered = await store.useCode(
    { codeId: id, nowMs, isRight: () => true },
    session(),
    newAccount,
    TOKENS_MAX,
  );
  account = (entered as NonNullable<typeof entered>).account;
  const actor = { accountId: account.id, credentialId: entered?.token.id } as never;
  await createPasswordStore(db.database).set(actor, hash, nowMs);
  const key = { credentialId: random.bytes(16), publicKey: random.bytes(77), signCount: 0, name: 'Key' };
  const passkey = {
    ...key,
    id: passkeyId,
    isSynced: false,
    isBackedUp: false,
    createdAtMs: nowMs,
    lastUsedAtMs: null,
  };
  expect(await createPasskeyStore(db.database).addPasskey(actor, passkey, 1)).toBeTypeOf('object');
});
afterAll(() => db.close());

const byPassword = () =>
  createPasswordStore(db.database).enter({ account, hash } as never, session(), TOKENS_MAX);
const byPasskey = () =>
  createPasskeyStore(db.database).enter(
    { id: passkeyId, accountId: account.id, publicKey: new Uint8Array() },
    { signCount: 0, isBackedUp: false, nowMs, partial: null },
    session(),
    TOKENS_MAX,
  );

it.each([
  ['password', byPassword, 'account_passwords'],
  ['passkey', byPasskey, 'account_passkeys'],
])('a sign-in by %s that waits for its account keeps nobody from removing that', async (_, enter, table) => {
  const entered = await db.database.system('identity', async (sql) => {
    await sql`SELECT pg_advisory_xact_lock(hashtextextended(${`tokens:${account.id}`}, 0))`;
    const entering = enter();
    await vi.waitFor(async () => {
      const waiting = await sql`
        SELECT 1 FROM pg_locks
        WHERE locktype = 'advisory' AND NOT granted AND database = (
          SELECT oid FROM pg_database WHERE datname = current_database())`;
      expect(waiting).toHaveLength(1);
    });
    await sql`SELECT 1 FROM ${sql(table)} WHERE account_id = ${account.id} FOR UPDATE NOWAIT`;
    return { entering };
  });
  expect(await entered.entering).not.toBeNull();
});
