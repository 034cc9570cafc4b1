import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connect } from '../../server/platform/database/connect.ts';
import { BifrostSocket } from '../support/bifrost-socket.ts';
import { type MailWorld, type SignedIn, startMailWorld } from '../support/mail-world.ts';
import { createDevice, type DeviceCredentials } from '../support/world.ts';

let world: MailWorld;
beforeAll(async () => {
  world = await startMailWorld();
});
afterAll(() => world.close());

const DAYS_14_MS = 14 * 86_400_000;
const JOB_INTERVAL_MS = 30_000;

const remove = async (token: string, query = '') => {
  const { outcome, answer } = await world.ask('DELETE', `users/me${query}`, { token });
  return { outcome, answer, undoToken: String(answer.undoToken) };
};

const outcomeOf = async (method: string, path: string, token: string, body?: unknown) =>
  (await world.ask(method, path, { token, ...(body === undefined ? {} : { body }) })).outcome;

/** Lets the time to undo pass, and the job run until the user is gone. */
async function letItHappen(userId: string): Promise<void> {
  world.advance(DAYS_14_MS + 1_000);
  await expect.poll(() => isThere(userId), { timeout: 60_000 }).toBe(false);
}

async function isThere(userId: string): Promise<boolean> {
  world.runJobs(JOB_INTERVAL_MS);
  return (await usersOf()).some(({ id }) => id === userId);
}

const usersOf = async () =>
  (await world.server.get<{ items: { id: string }[] }>('/api/v1/users?limit=200', world.operator)).items;

const topUp = (userId: string, key: string) =>
  world.server.request('POST', '/api/v1/ledger/top-ups', {
    body: { userId, amountCents: 500 },
    token: world.operator,
    headers: { 'idempotency-key': key },
    expect: 201,
  });

const tenantsOf = async (token: string) =>
  (await world.server.get<{ items: { id: string; role: string }[] }>('/api/v1/tenants', token)).items;

/** A tenant of the user's own, with a network and a device. */
async function furnish({ token }: SignedIn): Promise<DeviceCredentials> {
  const network = await world.server.post<{ id: string }>('/api/v1/networks', { name: 'Home' }, token);
  return createDevice(world.server, token, network.id, 'Lamp');
}

const addMember = (owner: string, tenantId: string, userId: string, role: string) =>
  world.server.request('POST', '/api/v1/members', {
    body: { userId, role },
    token: owner,
    headers: { 'x-tenant-id': tenantId },
    expect: 201,
  });

/** The tables with a row that has one of the texts in it, as their owner reads them. */
async function tablesWith(...texts: string[]): Promise<string[]> {
  const owner = connect(world.server.databaseUrl, { connectionsMax: 1 });
  try {
    const tables = await owner<{ name: string }[]>`
      SELECT relname AS name FROM pg_class
      WHERE relnamespace = 'yggdrasil'::regnamespace AND relkind = 'r' ORDER BY relname`;
    const found: string[] = [];
    // Each by itself: who locks many tables at once gets into the server's way.
    for (const { name } of tables) if (await hasText(owner, name, texts)) found.push(name);
    return found;
  } finally {
    await owner.end();
  }
}

/** No policy holds the owner of the table for this one transaction, which is taken back. */
async function hasText(owner: ReturnType<typeof connect>, table: string, texts: string[]): Promise<boolean> {
  let rows: readonly unknown[] = [];
  const takenBack = new Error('taken back');
  await owner
    .begin(async (sql) => {
      await sql`ALTER TABLE ${sql(table)} NO FORCE ROW LEVEL SECURITY`;
      rows = await sql`
        SELECT 1 FROM ${sql(table)} AS kept WHERE kept::text ILIKE ANY (${texts.map((text) => `%${text}%`)}) LIMIT 1`;
      throw takenBack;
    })
    .catch((error: unknown) => {
      if (error !== takenBack) throw error;
    });
  return rows.length > 0;
}

const secondTenant = (token: string) =>
  world.server.post<{ id: string }>('/api/v1/tenants', { name: 'Club' }, token);

describe('while an account is to be deleted', () => {
  it('its tokens and keys have ended, and it signs in to undo that and for nothing else', async () => {
    const ann = await world.signUp('ann@example.org');
    const { secret } = await world.server.post<{ secret: string }>(
      '/api/v1/users/me/api-keys',
      { name: 'Key' },
      ann.token,
    );
    await furnish(ann);
    const { outcome, undoToken } = await remove(ann.token);
    expect(outcome).toBe('202 done');
    expect((await world.mailServer.next('ann@example.org')).text).toMatch(/will be deleted at/);
    for (const token of [ann.token, secret]) {
      expect(await outcomeOf('GET', 'users/me', token)).toBe('401 unauthenticated');
    }
    const again = await world.signUp('ann@example.org');
    for (const token of [again.token, undoToken]) {
      for (const [method, path] of [
        ['GET', 'users/me'],
        ['GET', 'networks'],
        ['GET', 'marketplace/providers'],
        ['POST', 'users/me/tokens'],
        ['DELETE', 'users/me'],
      ] as const) {
        expect([path, await outcomeOf(method, path, token)]).toEqual([path, '403 account_deletion_pending']);
      }
    }
    const { answer } = await world.ask('GET', 'users/me/deletion', { token: again.token });
    expect(answer.deletion).toMatchObject({ dueAt: expect.any(String) });
    expect(await outcomeOf('POST', 'users/me/restore', again.token)).toBe('200 done');
    expect(await outcomeOf('GET', 'networks', again.token)).toBe('200 done');
    expect((await world.ask('GET', 'users/me/deletion', { token: again.token })).answer).toEqual({
      deletion: null,
    });
    world.advance(DAYS_14_MS + 1_000);
    expect(await isThere(ann.user.id)).toBe(true);
  });

  it('an account without an address undoes it with the token that it was given', async () => {
    const { token } = await world.server.post<{ token: string }>(
      '/api/v1/users',
      { name: 'Carol' },
      world.operator,
    );
    const { undoToken } = await remove(token);
    const restore = () => world.ask('POST', 'users/me/restore', { token: undoToken });
    expect((await restore()).answer).toEqual({ restored: true });
    expect((await restore()).answer).toEqual({ restored: false });
    expect(await outcomeOf('GET', 'users/me', undoToken)).toBe('200 done');
  });
});

describe('an account is not to be deleted', () => {
  it('while it is the last owner of a tenant with other members', async () => {
    const owner = await world.signUp('owner@example.org');
    const heir = await world.signUp('heir@example.org');
    const club = await secondTenant(owner.token);
    await addMember(owner.token, club.id, heir.user.id, 'member');
    const { outcome, answer } = await remove(owner.token);
    expect([outcome, (answer.error as { details: unknown }).details]).toEqual([
      '409 hand_over_first',
      { tenantIds: [club.id] },
    ]);
    await world.server.request('POST', `/api/v1/tenants/${club.id}/owner`, {
      body: { userId: heir.user.id },
      token: owner.token,
      headers: { 'x-tenant-id': club.id },
      expect: 201,
    });
    expect((await remove(owner.token)).outcome).toBe('202 done');
    await letItHappen(owner.user.id);
    expect((await tenantsOf(heir.token)).find(({ id }) => id === club.id)?.role).toBe('owner');
  });

  it('while it has money that it does not give up', async () => {
    const rich = await world.signUp('rich@example.org');
    await topUp(rich.user.id, 'rich');
    const { outcome, answer } = await remove(rich.token);
    expect([outcome, (answer.error as { details: unknown }).details]).toEqual([
      '409 account_has_money',
      { reason: 'balance' },
    ]);
    expect(await outcomeOf('GET', 'users/me', rich.token)).toBe('200 done');
    expect((await remove(rich.token, '?givesUpBalance=true')).outcome).toBe('202 done');
    const books = () => world.server.get<object>('/api/v1/ledger/trial-balance', world.operator);
    const before = await books();
    await letItHappen(rich.user.id);
    expect(await books()).toEqual(before);
  });

  it('while nobody else runs the server', async () => {
    expect((await remove(world.operator)).outcome).toBe('409 last_operator');
  });
});

describe('an account whose time is over', () => {
  it('is gone with what was its alone, and nobody else loses anything', async () => {
    const email = 'gone@example.org';
    const gone = await world.signUp(email, 'Gunnhild');
    const neighbour = await world.signUp('neighbour@example.org');
    const lamp = await furnish(gone);
    const theirs = await furnish(neighbour);
    const [home] = await tenantsOf(neighbour.token);
    await addMember(neighbour.token, home?.id ?? '', gone.user.id, 'member');
    const brought = await world.server.request(
      'PUT',
      `/api/v1/devices/${lamp.deviceId}/networks/${theirs.networkId}`,
      { token: gone.token },
    );
    expect(brought.status).toBe(200);
    const socket = await BifrostSocket.open(world.server, lamp);
    await topUp(gone.user.id, 'gone');
    const [goneHome] = (await tenantsOf(gone.token)).filter(({ role }) => role === 'owner');
    expect(await tablesWith('Gunnhild')).toEqual(['accounts', 'sign_in_codes', 'tenants']);
    expect((await remove(gone.token, '?givesUpBalance=true')).outcome).toBe('202 done');
    await letItHappen(gone.user.id);
    await socket.closed;
    expect((await world.mailServer.next(email)).text).toMatch(/will be deleted at/);
    expect((await world.mailServer.next(email)).text).toMatch(/is deleted/);
    // Who is connected is written down a moment later.
    expect(await tablesWith(email, 'Gunnhild')).toEqual([]);
    const leftovers = async () =>
      (await tablesWith(gone.user.id, lamp.deviceId)).filter((table) => !table.startsWith('audit_'));
    await expect.poll(leftovers, { timeout: 60_000 }).toEqual([]);
    // The books, the audit, and how many bytes the tenant has stored: none.
    const withTenant = await tablesWith(goneHome?.id ?? 'none');
    expect(withTenant.filter((table) => !/^(ledger_|audit_|relay_tenants$)/.test(table))).toEqual([]);
    expect(withTenant).toContain('ledger_entries');
    const { items } = await world.server.get<{ items: { id: string }[] }>('/api/v1/devices', neighbour.token);
    expect(items.map(({ id }) => id)).toEqual([theirs.deviceId]);
    const members = await world.server.get<{ items: object[] }>('/api/v1/members', neighbour.token);
    expect(members.items).toHaveLength(1);
    const again = await world.signUp(email, 'New');
    expect([again.isNew, again.user.id === gone.user.id]).toEqual([true, false]);
  });

  it('leaves a tenant that others own meanwhile to who has been in it for longest', async () => {
    const first = await world.signUp('first@example.org');
    const second = await world.signUp('second@example.org');
    const third = await world.signUp('third@example.org');
    const club = await secondTenant(first.token);
    await addMember(first.token, club.id, second.user.id, 'owner');
    await addMember(first.token, club.id, third.user.id, 'member');
    expect((await remove(first.token)).outcome).toBe('202 done');
    const leaving = await world.server.request('DELETE', `/api/v1/members/${second.user.id}`, {
      token: second.token,
      headers: { 'x-tenant-id': club.id },
    });
    expect(leaving.status).toBe(200);
    await letItHappen(first.user.id);
    expect((await tenantsOf(third.token)).find(({ id }) => id === club.id)?.role).toBe('owner');
  });

  it('takes nobody in by an invitation into what goes with it', async () => {
    const host = await world.signUp('host@example.org');
    const guest = await world.signUp('guest@example.org');
    const { secret } = await world.server.post<{ secret: string }>(
      '/api/v1/invitations',
      { role: 'member' },
      host.token,
    );
    expect((await remove(host.token)).outcome).toBe('202 done');
    expect(await outcomeOf('POST', 'invitations/redeem', guest.token, { token: secret })).toBe(
      '403 invitation_wrong',
    );
  });

  it('waits while its tenant is suspended, and the others do not wait for it', async () => {
    const held = await world.signUp('held@example.org');
    const [home] = await tenantsOf(held.token);
    await remove(held.token);
    const path = `/api/v1/admin/suspensions/${home?.id}`;
    await world.server.request('PUT', path, { body: { reason: 'Fraud' }, token: world.operator });
    world.advance(DAYS_14_MS + 1_000);
    const other = await world.signUp('other@example.org');
    await remove(other.token);
    await letItHappen(other.user.id);
    expect(await isThere(held.user.id)).toBe(true);
    await world.server.request('DELETE', path, { token: world.operator });
    await expect.poll(() => isThere(held.user.id), { timeout: 60_000 }).toBe(false);
  });
});
