import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSystemClock } from '../../server/platform/system/clock.ts';
import { type MailServer, startMailServer } from '../support/mail-server.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { createDevice, createHousehold, createWorld, topUp, type World } from '../support/world.ts';

const DAY_MS = 86_400_000;

interface Person {
  readonly userId: string;
  readonly token: string;
}

interface Invited {
  readonly invitation: { readonly id: string; readonly email: string | null };
  readonly secret: string | null;
}

let mailServer: MailServer;
let server: TestServer;
let world: World;
/** How far the server's clock is ahead, in milliseconds. */
let aheadMs = 0;
beforeAll(async () => {
  mailServer = await startMailServer();
  const clock = createSystemClock();
  server = await startTestServer(
    { YGGDRASIL_SMTP_URL: mailServer.url, YGGDRASIL_MAIL_FROM: 'yggdrasil@example.org' },
    { clock: { ...clock, nowMs: () => clock.nowMs() + aheadMs } },
  );
  world = await createWorld(server);
});
afterAll(async () => {
  await server.stop();
  await mailServer.close();
});

/** A request of somebody, in a tenant or in its own: its status, with the code of a refusal. */
async function ask(who: { token: string }, method: string, path: string, body?: unknown, tenantId?: string) {
  const headers = tenantId === undefined ? {} : { 'x-tenant-id': tenantId };
  const answer = await server.request(method, `/api/v1/${path}`, { token: who.token, body, headers });
  const { error } = answer.body as { error?: { code: string } };
  return { outcome: `${answer.status} ${error?.code ?? 'done'}`, body: answer.body };
}
const outcomeOf = async (...request: Parameters<typeof ask>) => (await ask(...request)).outcome;

const newPerson = async (email?: string): Promise<Person> => {
  const { user, token } = await server.post<{ user: { id: string }; token: string }>(
    '/api/v1/users',
    { name: 'Somebody', ...(email === undefined ? {} : { email }) },
    world.adminToken,
  );
  return { userId: user.id, token };
};
const tenantsOf = async (who: { token: string }) =>
  (await server.get<{ items: { id: string; name: string; role: string }[] }>('/api/v1/tenants', who.token))
    .items;
const homeOf = async (who: { token: string }) => (await tenantsOf(who))[0]?.id ?? '';

const invite = async (who: { token: string }, body: object, tenantId?: string) => {
  const { outcome, body: answer } = await ask(who, 'POST', 'invitations', body, tenantId);
  expect(outcome).toBe('201 done');
  return answer as unknown as Invited;
};
const redeem = (who: Person, token: string | null) => outcomeOf(who, 'POST', 'invitations/redeem', { token });

describe('an invitation by address', () => {
  it('comes by mail, is good once, and for this address alone', async () => {
    const alice = await createHousehold(server, world.adminToken);
    const invited = await newPerson('guest@example.org');
    const other = await newPerson('other@example.org');
    const { invitation, secret } = await invite(alice, { role: 'member', email: 'Guest@Example.org' });
    expect([invitation.email, secret]).toEqual(['guest@example.org', null]);
    const { text } = await mailServer.next('guest@example.org');
    const token = /ygi_[\w-]+/.exec(text)?.[0] ?? '';
    expect(await redeem(other, token)).toBe('403 invitation_wrong');
    expect(await redeem(await newPerson(), token)).toBe('403 invitation_wrong');
    expect(await redeem(invited, token)).toBe('201 done');
    expect(await redeem(invited, token)).toBe('403 invitation_wrong');
    const home = await homeOf(alice);
    expect((await tenantsOf(invited)).map(({ id, role }) => [id, role])).toContainEqual([home, 'member']);
    expect(await outcomeOf(invited, 'GET', 'members', undefined, home)).toBe('200 done');
    expect(JSON.stringify(server.logs)).not.toContain(token);
  });

  it('is answered the same for an address without an account', async () => {
    const alice = await createHousehold(server, world.adminToken);
    await newPerson('known@example.org');
    const shapes = [];
    for (const email of ['known@example.org', 'unknown@example.org']) {
      const { invitation, secret } = await invite(alice, { role: 'member', email });
      shapes.push([Object.keys(invitation), secret]);
      expect((await mailServer.next(email)).text).toMatch(/ygi_/);
    }
    expect(shapes[0]).toEqual(shapes[1]);
  });
});

describe('an invitation by a token', () => {
  it('lets in the first who redeems it, of many at once, with the role and the networks it says', async () => {
    const { alice } = world;
    const { secret } = await invite(alice, { role: 'guest', networkIds: [alice.network.id] });
    const people = await Promise.all(Array.from({ length: 5 }, () => newPerson()));
    const outcomes = await Promise.all(people.map((person) => redeem(person, secret)));
    expect(outcomes.sort()).toEqual(['201 done', ...Array(4).fill('403 invitation_wrong')]);
    const home = await homeOf(alice);
    const joined = await Promise.all(
      people.map(async (person) => (await tenantsOf(person)).find(({ id }) => id === home)),
    );
    expect(joined.filter((each) => each !== undefined)).toEqual([
      expect.objectContaining({ role: 'guest', networkIds: [alice.network.id] }),
    ]);
  });

  it('stays when a member redeems it, and ends when it is withdrawn', async () => {
    const alice = await createHousehold(server, world.adminToken);
    const { invitation, secret } = await invite(alice, { role: 'member' });
    expect(await redeem(alice, secret)).toBe('409 member_exists');
    const { items } = (await ask(alice, 'GET', 'invitations')).body as { items: object[] };
    expect(items).toEqual([expect.objectContaining({ id: invitation.id, invitedBy: alice.userId })]);
    expect(JSON.stringify(items)).not.toMatch(/ygi_/);
    expect(await outcomeOf(alice, 'DELETE', `invitations/${invitation.id}`)).toBe('200 done');
    expect(await outcomeOf(alice, 'DELETE', `invitations/${invitation.id}`)).toBe('404 invitation_not_found');
    expect(await redeem(await newPerson(), secret)).toBe('403 invitation_wrong');
  });

  it('ends after seven days', async () => {
    const alice = await createHousehold(server, world.adminToken);
    const { secret } = await invite(alice, { role: 'member' });
    const late = await newPerson();
    aheadMs += 7 * DAY_MS + 1_000;
    expect(await redeem(late, secret)).toBe('403 invitation_wrong');
    expect(((await ask(alice, 'GET', 'invitations')).body as { items: object[] }).items).toEqual([]);
  });

  it('gives no more than who made it may give, when it is made and when it is redeemed', async () => {
    const alice = await createHousehold(server, world.adminToken);
    const home = await homeOf(alice);
    const [adam, mia] = [await newPerson(), await newPerson()];
    await server.post('/api/v1/members', { userId: adam.userId, role: 'administrator' }, alice.token);
    await server.post('/api/v1/members', { userId: mia.userId, role: 'member' }, alice.token);
    expect(await outcomeOf(mia, 'POST', 'invitations', { role: 'member' }, home)).toBe('403 forbidden');
    expect(await outcomeOf(adam, 'POST', 'invitations', { role: 'owner' }, home)).toBe('403 forbidden');
    expect(await outcomeOf(alice, 'POST', 'invitations', { role: 'guest' })).toBe('400 invalid_input');
    const demoted = await invite(adam, { role: 'administrator' }, home);
    expect(await outcomeOf(alice, 'PUT', `members/${adam.userId}`, { role: 'member' })).toBe('200 done');
    expect(await redeem(await newPerson(), demoted.secret)).toBe('403 invitation_wrong');
    expect(await outcomeOf(alice, 'PUT', `members/${adam.userId}`, { role: 'administrator' })).toBe(
      '200 done',
    );
    const gone = await invite(adam, { role: 'member' }, home);
    expect(await outcomeOf(alice, 'DELETE', `members/${adam.userId}`)).toBe('200 done');
    expect(await redeem(await newPerson(), gone.secret)).toBe('403 invitation_wrong');
  });

  it('for a network that is gone is worth nothing', async () => {
    const alice = await createHousehold(server, world.adminToken);
    const shed = await server.post<{ id: string }>('/api/v1/networks', { name: 'Shed' }, alice.token);
    const { secret } = await invite(alice, { role: 'guest', networkIds: [shed.id] });
    expect(await outcomeOf(alice, 'DELETE', `networks/${shed.id}`)).toBe('200 done');
    expect(await redeem(await newPerson(), secret)).toBe('403 invitation_wrong');
  });

  it('is one of thirty an hour of a tenant', async () => {
    const alice = await createHousehold(server, world.adminToken);
    for (let count = 0; count < 30; count++) await invite(alice, { role: 'member' });
    expect(await outcomeOf(alice, 'POST', 'invitations', { role: 'member' })).toBe('429 rate_limited');
    const bob = await createHousehold(server, world.adminToken);
    expect(await outcomeOf(bob, 'POST', 'invitations', { role: 'member' })).toBe('201 done');
  });
});

describe('a user with several tenants', () => {
  it('makes one, acts in it by its id, names it, and is let in nowhere else', async () => {
    const alice = await createHousehold(server, world.adminToken);
    const firm = (await ask(alice, 'POST', 'tenants', { name: 'Firm' })).body as unknown as { id: string };
    expect((await tenantsOf(alice)).map(({ name, role }) => [name, role])).toEqual([
      ['Somebody', 'owner'],
      ['Firm', 'owner'],
    ]);
    expect(await outcomeOf(alice, 'POST', 'networks', { name: 'Office' }, firm.id)).toBe('201 done');
    const networks = async (tenantId?: string) =>
      ((await ask(alice, 'GET', 'networks', undefined, tenantId)).body as { items: { name: string }[] })
        .items;
    expect((await networks(firm.id)).map(({ name }) => name)).toEqual(['Office']);
    expect((await networks()).map(({ name }) => name)).toEqual(['Home']);
    expect(await outcomeOf(alice, 'PUT', `tenants/${firm.id}`, { name: 'Company' }, firm.id)).toBe(
      '200 done',
    );
    expect((await tenantsOf(alice))[1]?.name).toBe('Company');
    // It acts in its own tenant here.
    expect(await outcomeOf(alice, 'PUT', `tenants/${firm.id}`, { name: 'Other' })).toBe(
      '404 tenant_not_found',
    );
    const adam = await newPerson();
    await ask(alice, 'POST', 'members', { userId: adam.userId, role: 'administrator' }, firm.id);
    expect(await outcomeOf(adam, 'PUT', `tenants/${firm.id}`, { name: 'Mine' }, firm.id)).toBe(
      '403 forbidden',
    );
    expect(await outcomeOf(adam, 'POST', `tenants/${firm.id}/owner`, { userId: adam.userId }, firm.id)).toBe(
      '403 forbidden',
    );
  });

  it('owns twenty at most, however many it asks for at once', async () => {
    const alice = await newPerson();
    const outcomes = await Promise.all(
      Array.from({ length: 25 }, (_, index) => outcomeOf(alice, 'POST', 'tenants', { name: `t${index}` })),
    );
    while ((await outcomeOf(alice, 'POST', 'tenants', { name: 'more' })) === '201 done');
    expect(outcomes.filter((each) => each === '201 done').length).toBeLessThan(20);
    expect(await outcomeOf(alice, 'POST', 'tenants', { name: 'more' })).toBe('409 limit_reached');
    expect(await tenantsOf(alice)).toHaveLength(20);
  });
});

describe('a tenant that is handed over', () => {
  it('goes with devices, networks and money, and who made it gets a new one', async () => {
    const alice = await createHousehold(server, world.adminToken);
    await topUp(world, alice.userId, 4_200);
    const home = await homeOf(alice);
    const heir = await newPerson();
    expect(await outcomeOf(alice, 'POST', `tenants/${home}/owner`, { userId: heir.userId })).toBe(
      '404 member_not_found',
    );
    await server.post('/api/v1/members', { userId: heir.userId, role: 'member' }, alice.token);
    // What she brought elsewhere from it leaves.
    const { bob } = world;
    await server.post(
      '/api/v1/members',
      { userId: alice.userId, role: 'guest', networkIds: [bob.network.id] },
      bob.token,
    );
    const phone = await createDevice(server, alice.token, alice.network.id, 'Phone');
    const brought = `devices/${phone.deviceId}/networks/${bob.network.id}`;
    expect(await outcomeOf(alice, 'PUT', brought)).toBe('200 done');
    expect(await outcomeOf(alice, 'POST', `tenants/${home}/owner`, { userId: heir.userId })).toBe('201 done');

    const balance = async (who: Person, tenantId?: string) =>
      (await ask(who, 'GET', 'ledger/balance', undefined, tenantId)).body as { available: { value: string } };
    expect((await balance(heir, home)).available.value).toBe('42');
    expect(await outcomeOf(heir, 'PUT', `tenants/${home}`, { name: 'Mine' }, home)).toBe('200 done');
    expect((await balance(alice)).available.value).toBe('0');
    expect(await homeOf(alice)).toBe(home);
    const tenants = await tenantsOf(alice);
    expect(tenants.map(({ role }) => role).sort()).toEqual(['administrator', 'guest', 'owner']);
    expect(await outcomeOf(alice, 'GET', `devices/${phone.deviceId}`)).toBe('404 device_not_found');
    expect(await outcomeOf(alice, 'GET', `devices/${phone.deviceId}`, undefined, home)).toBe('200 done');
    const { items } = (await ask(world.bob, 'GET', 'devices')).body as { items: { id: string }[] };
    expect(items.map(({ id }) => id)).not.toContain(phone.deviceId);
    expect(await outcomeOf(alice, 'DELETE', `members/${alice.userId}`, undefined, home)).toBe('200 done');
  });

  it('is handed over once by two at once', async () => {
    const alice = await createHousehold(server, world.adminToken);
    const home = await homeOf(alice);
    const heirs = [await newPerson(), await newPerson()];
    for (const { userId } of heirs) {
      await server.post('/api/v1/members', { userId, role: 'member' }, alice.token);
    }
    const outcomes = await Promise.all(
      heirs.map(({ userId }) => outcomeOf(alice, 'POST', `tenants/${home}/owner`, { userId })),
    );
    expect(outcomes.filter((each) => each === '201 done')).toHaveLength(1);
  });
});
