import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createDeletionStore } from '../../../server/domains/accounts/deletion.postgres.ts';
import { createExternalSignInStore } from '../../../server/domains/accounts/external-sign-in.postgres.ts';
import { createPasswordStore } from '../../../server/domains/accounts/passwords.postgres.ts';
import type { ExternalIdentity } from '../../../server/domains/accounts/ports.ts';
import { createSignInStore } from '../../../server/domains/accounts/sign-in.postgres.ts';
import { makeSession } from '../../../server/domains/accounts/tokens.ts';
import type { Account } from '../../../server/domains/accounts/types.ts';
import {
  createLeavingRows,
  createTenantRows,
  type LeavingRows,
} from '../../../server/domains/tenants/index.ts';
import { type AccountId, asId, type IdentityId, type TenantId } from '../../../server/kernel/ids.ts';
import { FakeClock } from '../../support/clock.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { createSeededRandom } from '../../support/random.ts';

const clock = new FakeClock();
const random = createSeededRandom(1);
const nowMs = clock.nowMs();
const address = 'ann@example.org';
const session = () => makeSession({ clock, random, hash: () => random.bytes(32) }).token;
const newAccount = (): Account => ({
  id: asId<AccountId>(random.uuid()),
  homeTenantId: asId<TenantId>(random.uuid()),
  name: 'Ann',
  operator: false,
  createdAtMs: nowMs,
});
const identityOf = (of: Partial<ExternalIdentity> = {}): ExternalIdentity => ({
  id: asId<IdentityId>(random.uuid()),
  issuer: 'https://issuer.example',
  subject: 'ann',
  address,
  ...of,
});
const LIMITS = { nowMs, tokensMax: 100 };
const hash = `$argon2id$v=19$m=19456,t=2,p=1$${'a'.repeat(22)}$${'b'.repeat(43)}`;

let db: TestDatabase;
let account: Account;
beforeEach(async () => {
  db = await createTestDatabase();
  const entered = await external().enter(identityOf(), session(), newAccount, LIMITS);
  if (typeof entered === 'string') throw new Error(entered);
  account = entered.account;
  await createPasswordStore(db.database).set(
    { accountId: account.id, credentialId: entered.token.id } as never,
    hash,
    nowMs,
  );
  await db.database.system('identity', async (sql) => {
    await sql`
      INSERT INTO account_deletions (account_id, requested_at, due_at)
      VALUES (${account.id}, ${new Date(nowMs)}, ${new Date(nowMs)})`;
  });
});
afterEach(() => db.close());

const external = () => createExternalSignInStore(db.database, createTenantRows());
const codes = () => createSignInStore(db.database, createTenantRows());
const addCode = () => {
  const [id, codeHash] = [random.uuid(), random.bytes(32)];
  const code = { id, address, accountName: 'Ann', hash: codeHash, triesLeft: 5, createdAtMs: nowMs };
  return codes()
    .addCode({ ...code, expiresAtMs: nowMs + 1 }, { sinceMs: 0, codesMax: 9 })
    .then(() => id);
};
const useCode = (codeId: string) =>
  codes().useCode({ codeId, nowMs, isRight: () => true }, session(), newAccount, LIMITS.tokensMax);

/** Deletes the account; before the transaction ends, `signIn` begins and waits. What that comes to. */
async function duringDeletion<T>(signIn: () => Promise<T>): Promise<T> {
  const begun: Promise<T>[] = [];
  const rows = createLeavingRows();
  const leaving: LeavingRows = {
    ...rows,
    async removeTenant(sql, tenantId) {
      begun.push(signIn());
      await vi.waitFor(async () => {
        const waiting = await sql`
          SELECT 1 FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))`;
        expect(waiting).toHaveLength(1);
      });
      return rows.removeTenant(sql, tenantId);
    },
  };
  const deletions = createDeletionStore(db.database, leaving);
  expect(await deletions.remove(account.id, [account.homeTenantId], nowMs)).toEqual({ address });
  return (await Promise.all(begun))[0] as T;
}

it('a sign-in with an issuer makes a new account where its account is deleted meanwhile', async () => {
  const entered = await duringDeletion(() => external().enter(identityOf(), session(), newAccount, LIMITS));
  expect(entered).toMatchObject({ isNew: true });
  expect(entered).not.toMatchObject({ account: { id: account.id } });
});

it('an identity does not join an account that is deleted meanwhile', async () => {
  const other = identityOf({ subject: 'ann as well' });
  const entered = await duringDeletion(() => external().enter(other, session(), newAccount, LIMITS));
  expect(entered).toMatchObject({ isNew: true });
});

it('a code that is asked for while its account is deleted is nobody’s', async () => {
  const entered = await duringDeletion(() => addCode().then(useCode));
  expect(entered).toMatchObject({ isNew: true });
});

it('a code of an account that is deleted meanwhile is not right any more', async () => {
  const codeId = await addCode();
  expect(await duringDeletion(() => useCode(codeId))).toBeNull();
});

it('a password of an account that is deleted meanwhile is not right any more', async () => {
  const enter = () => createPasswordStore(db.database).enter({ account, hash } as never, session(), 100);
  expect(await duringDeletion(enter)).toBeNull();
});
