import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createAccountStore, createProgramSignInStore } from '../../../server/domains/accounts/index.ts';
import type { ProgramSignInStore } from '../../../server/domains/accounts/program-ports.ts';
import { makeToken } from '../../../server/domains/accounts/tokens.ts';
import { createTenantRows } from '../../../server/domains/tenants/index.ts';
import type { AccountActor } from '../../../server/kernel/actor.ts';
import { type AccountId, asId, type TenantId } from '../../../server/kernel/ids.ts';
import { FakeClock } from '../../support/clock.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { createSeededRandom } from '../../support/random.ts';

let db: TestDatabase;
let store: ProgramSignInStore;
beforeAll(async () => {
  db = await createTestDatabase();
  store = createProgramSignInStore(db.database);
});
afterAll(() => db.close());

const clock = new FakeClock();
const random = createSeededRandom(1);
const sources = { clock, random, hash: () => random.bytes(32) };
const MINUTE_MS = 60_000;

/** Somebody who is signed in. */
async function newActor(): Promise<AccountActor> {
  const accountId = asId<AccountId>(random.uuid());
  const tenantId = asId<TenantId>(random.uuid());
  const { token } = makeToken('First', sources);
  const account = {
    id: accountId,
    homeTenantId: tenantId,
    name: 'Ann',
    operator: false,
    createdAtMs: clock.nowMs(),
  };
  await createAccountStore(db.database, createTenantRows()).addAccount(account, token, null);
  return {
    kind: 'account',
    tenantId,
    accountId,
    credentialId: token.id,
    role: 'owner',
    networkIds: null,
    operator: false,
  };
}

let clients = 0;
async function add(waitingMax = 1_000, client = `client ${clients++}`) {
  const codes = { deviceCodeHash: random.bytes(32), userCodeHash: random.bytes(32) };
  const createdAtMs = clock.nowMs();
  const times = {
    createdAtMs,
    expiresAtMs: createdAtMs + 10 * MINUTE_MS,
    wantsRefresh: false,
    intervalSeconds: 5,
  };
  const limits = { ofClientMax: 2, waitingMax };
  const outcome = await store.add({ ...codes, ...times, name: 'Screen', client }, limits);
  return { ...codes, outcome };
}

const decide = (actor: AccountActor, userCodeHash: Uint8Array, tokensMax = 100) =>
  store.decide(actor, userCodeHash, true, { nowMs: clock.nowMs(), tokensMax });

const collect = async (deviceCodeHash: Uint8Array, tokensMax = 100) => {
  const limits = { nowMs: clock.nowMs(), tokensMax, slowerSeconds: 5 };
  const { token } = makeToken('Screen', sources);
  const outcome = await store.collect({ deviceCodeHash, name: 'Screen' }, token, limits);
  return typeof outcome === 'string' ? outcome : 'token';
};

describe('a program that waits', () => {
  it('asks every five seconds, and waits five seconds longer each time it asks too soon', async () => {
    const { deviceCodeHash } = await add();
    const askAfter = async (seconds: number) => {
      clock.advance(seconds * 1_000);
      return collect(deviceCodeHash);
    };
    expect(await askAfter(0)).toBe('pending');
    expect(await askAfter(5)).toBe('pending');
    expect(await askAfter(4)).toBe('slow_down');
    expect(await askAfter(9)).toBe('slow_down');
    expect(await askAfter(15)).toBe('pending');
  });

  it('that was let in gets its token at once, however soon it asks', async () => {
    const { deviceCodeHash, userCodeHash } = await add();
    expect(await collect(deviceCodeHash)).toBe('pending');
    expect(await decide(await newActor(), userCodeHash)).toBe('decided');
    expect(await collect(deviceCodeHash)).toBe('token');
    expect(await collect(deviceCodeHash)).toBe('unknown');
  });

  it('is not let in with a token that is gone, nor where there is no room for another', async () => {
    const { deviceCodeHash, userCodeHash } = await add();
    const actor = await newActor();
    const gone = { ...actor, credentialId: (await newActor()).credentialId };
    expect(await decide(gone, userCodeHash)).toBe('credential_gone');
    expect(await decide(actor, userCodeHash, 1)).toBe('limit_reached');
    expect(await decide(actor, userCodeHash, 2)).toBe('decided');
    expect(await collect(deviceCodeHash, 1)).toBe('denied');
    expect(await collect(deviceCodeHash, 2)).toBe('token');
  });

  it('is one of few of its address, and of all, and gone when its time is over', async () => {
    expect((await add(1_000, 'one')).outcome).toBe('added');
    expect((await add(1_000, 'one')).outcome).toBe('added');
    expect((await add(1_000, 'one')).outcome).toBe('too_many_of_client');
    expect((await add(1, 'other')).outcome).toBe('too_many');
    clock.advance(10 * MINUTE_MS);
    const late = await add(1, 'one');
    expect(late.outcome).toBe('added');
    clock.advance(10 * MINUTE_MS);
    expect(await collect(late.deviceCodeHash)).toBe('expired');
    await store.removeExpired(clock.nowMs() + 1);
    expect(await collect(late.deviceCodeHash)).toBe('unknown');
  });
});
