import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { provisionDevice } from '../../device/provision/main.ts';
import { nodeNoiseCrypto } from '../../proto/ratatoskr/node.ts';
import { connect } from '../../server/platform/database/connect.ts';
import { createSystemClock } from '../../server/platform/system/clock.ts';
import { BifrostSocket } from '../support/bifrost-socket.ts';
import { openClient, openRawSession } from '../support/ratatoskr.ts';
import { type Answer, startTestServer, type TestServer } from '../support/server.ts';
import { createWorld, type DeviceCredentials, type World } from '../support/world.ts';

interface Claim {
  readonly claimId: string;
  readonly code: string;
  readonly secret: string;
}

let server: TestServer;
let world: World;
/** How far the server's clock is ahead. */
let aheadMs = 0;
let names = 0;

beforeAll(async () => {
  const clock = createSystemClock();
  const ahead = { nowMs: () => clock.nowMs() + aheadMs, monotonicMs: () => clock.monotonicMs() + aheadMs };
  server = await startTestServer({}, { clock: { ...clock, ...ahead } });
  world = await createWorld(server);
});
afterAll(() => server.stop());

const open = (changes: object = {}) =>
  server.post<Claim>('/api/v1/device-claims', { worldType: 'jotunheim', ...changes });

const claim = (code: string, changes: object = {}, { token, network } = world.alice) =>
  server.request('POST', '/api/v1/devices/claim', {
    token,
    body: { code, name: `Claimed ${++names}`, networkId: network.id, ...changes },
  });

const collect = ({ claimId, secret }: Claim) =>
  server.request('POST', `/api/v1/device-claims/${claimId}/credentials`, { body: { secret } });

const inHours = (hours: number) => new Date(Date.now() + aheadMs + hours * 3_600_000).toISOString();

const codeOf = ({ status, body }: Answer) =>
  `${status} ${(body as { error?: { code: string } }).error?.code ?? ''}`;

describe('a device that shows a code', () => {
  it('is its owner’s once it is claimed, and connects with what it fetches itself', async () => {
    const waiting = await open();
    expect(waiting.code).toMatch(/^[B-DF-HJ-NP-TV-XZ]{3}(-[B-DF-HJ-NP-TV-XZ]{3}){2}$/);
    expect((await collect(waiting)).body).toEqual({ credentials: null });
    const claimed = await claim(waiting.code.toLowerCase().replaceAll('-', ' '), { name: 'Lamp' });
    expect(claimed).toMatchObject({ status: 201, body: { name: 'Lamp', worldType: 'jotunheim' } });
    expect(JSON.stringify(claimed.body)).not.toMatch(/ygd_|signingKey/);
    const { credentials } = (await collect(waiting)).body as { credentials: DeviceCredentials };
    expect(credentials).toMatchObject({ deviceId: claimed.body.id, networkId: world.alice.network.id });
    const socket = await BifrostSocket.open(server, credentials);
    socket.close();
    // The answer may have been lost.
    expect((await collect(waiting)).body).toEqual({ credentials });
  });

  it('can not be claimed twice, nor by a guess', async () => {
    const waiting = await open();
    expect((await claim(waiting.code)).status).toBe(201);
    expect(codeOf(await claim(waiting.code))).toBe('403 claim_code_wrong');
    expect(codeOf(await claim(waiting.code, {}, world.bob))).toBe('403 claim_code_wrong');
    aheadMs += 61_000;
    const answers: string[] = [];
    for (let guess = 0; guess < 21; guess++) answers.push(codeOf(await claim('BBB-BBB-BBB')));
    expect([...new Set(answers.slice(0, 20))]).toEqual(['403 claim_code_wrong']);
    expect(answers[20]).toBe('429 rate_limited');
    aheadMs += 61_000;
  });

  it('can be claimed by one of two who try at the same time', async () => {
    const waiting = await open();
    const answers = await Promise.all([claim(waiting.code), claim(waiting.code, {}, world.bob)]);
    expect(answers.map(codeOf).sort()).toEqual(['201 ', '403 claim_code_wrong']);
  });

  it('keeps its code where the claim is refused for another reason', async () => {
    const waiting = await open();
    const taken = { name: 'First device' };
    expect(codeOf(await claim(waiting.code, taken))).toBe('409 device_name_taken');
    expect(codeOf(await claim(waiting.code, { networkId: world.bob.network.id }))).toBe(
      '404 network_not_found',
    );
    expect((await claim(waiting.code)).status).toBe(201);
  });

  it('gets nothing with another secret, as if it did not wait', async () => {
    const waiting = await open();
    await claim(waiting.code);
    const unknown = await collect({ ...waiting, claimId: '00000000-0000-4000-8000-00000000dead' });
    const wrong = await collect({ ...waiting, secret: 'wrong' });
    expect([codeOf(unknown), codeOf(wrong)]).toEqual(Array(2).fill('404 claim_not_found'));
  });

  it('waits ten minutes, and what waited for it is gone after them', async () => {
    const [unclaimed, claimed] = [await open(), await open()];
    await claim(claimed.code);
    aheadMs += 10 * 60_000;
    expect(codeOf(await claim(unclaimed.code))).toBe('403 claim_code_wrong');
    expect(codeOf(await collect(claimed))).toBe('404 claim_not_found');
  });
});

it('codes, secrets and credentials are not readable in the database', async () => {
  const waiting = await open();
  await claim(waiting.code);
  const { credentials } = (await collect(waiting)).body as { credentials: DeviceCredentials };
  const owner = connect(server.databaseUrl, { connectionsMax: 1 });
  const takenBack = new Error('taken back');
  let text = '';
  await owner
    .begin(async (sql) => {
      await sql`ALTER TABLE device_claims NO FORCE ROW LEVEL SECURITY`;
      const [row] = await sql<{ text: string }[]>`
        SELECT string_agg(encode(coalesce(credentials_sealed, ''), 'escape') || device_claims::text, ' ') AS text
        FROM device_claims`;
      text = row?.text ?? '';
      throw takenBack;
    })
    .catch((error: unknown) => {
      if (error !== takenBack) throw error;
    })
    .finally(() => owner.end({ timeout: 5 }));
  expect(text).toContain(waiting.claimId);
  for (const secret of [waiting.code, waiting.secret, credentials.token, credentials.signingKey]) {
    expect(text).not.toContain(secret);
  }
});

describe('a device that says the key of its sessions beforehand', () => {
  const made = nodeNoiseCrypto.generateKeyPair();
  const sessionKey = Buffer.from(made.publicKey).toString('base64url');
  const ways: [string, () => Promise<DeviceCredentials>][] = [
    [
      'is claimed',
      async () => {
        const waiting = await open({ sessionKey });
        expect((await claim(waiting.code)).status).toBe(201);
        return ((await collect(waiting)).body as { credentials: DeviceCredentials }).credentials;
      },
    ],
    [
      'provisions itself',
      async () => {
        const { network, token } = world.alice;
        const expiresAt = new Date(Date.now() + aheadMs + 3_600_000).toISOString();
        const fleet = { name: 'Keyed', networkId: network.id, devicesMax: 2, expiresAt };
        const { secret: key } = await server.post<{ secret: string }>('/api/v1/bootstrap-keys', fleet, token);
        const secret = 'made by chance'.padEnd(32);
        const device = { key, deviceId: 'SN-80', secret, worldType: 'jotunheim', sessionKey };
        return server.post<DeviceCredentials>('/api/v1/device-provisioning', device);
      },
    ],
    [
      'is registered',
      async () => {
        const { network, token } = world.alice;
        const device = { name: 'Keyed', networkId: network.id, worldType: 'midgard', sessionKey };
        const { credentials } = await server.post<{ credentials: DeviceCredentials }>(
          '/api/v1/devices',
          device,
          token,
        );
        return credentials;
      },
    ],
  ];

  it.each(ways)('and %s: nobody else opens one with its token, not even before it', async (_, register) => {
    const credentials = await register();
    const thief = await openRawSession(server, credentials.token);
    expect(await thief.closed).toBe('4403 device_key_wrong');
    const own = openClient(server, { credentials, sessionKey: made.privateKey });
    await own.ready();
    own.close();
  });

  it('gets no credentials again that its key would not open sessions with', async () => {
    const { network, token } = world.alice;
    const expiresAt = new Date(Date.now() + aheadMs + 3_600_000).toISOString();
    const fleet = { name: 'Rekeyed', networkId: network.id, devicesMax: 2, expiresAt };
    const { secret: key } = await server.post<{ secret: string }>('/api/v1/bootstrap-keys', fleet, token);
    const provision = (given: string | null) =>
      server.request('POST', '/api/v1/device-provisioning', {
        body: {
          key,
          deviceId: 'SN-81',
          secret: 'made by chance'.padEnd(32),
          worldType: 'jotunheim',
          sessionKey: given,
        },
      });
    const first = await provision(sessionKey);
    expect(await provision(sessionKey)).toMatchObject({ status: 201, body: first.body });
    const other = Buffer.from(nodeNoiseCrypto.generateKeyPair().publicKey).toString('base64url');
    expect(codeOf(await provision(other))).toBe('409 device_id_taken');
    expect(codeOf(await provision(null))).toBe('409 device_id_taken');
  });

  it('must say one', async () => {
    const answers = ['', 'AAAA', `${sessionKey}=`, 7].map((given) =>
      server.request('POST', '/api/v1/device-claims', {
        body: { worldType: 'jotunheim', sessionKey: given },
      }),
    );
    expect((await Promise.all(answers)).map(codeOf)).toEqual(Array(4).fill('400 invalid_input'));
  });
});

describe('a fleet', () => {
  const makeKey = async (changes: object = {}, { token, network } = world.alice) => {
    const body = { name: 'Fleet', networkId: network.id, devicesMax: 2, expiresAt: inHours(1), ...changes };
    const made = await server.post<{ key: { id: string }; secret: string }>(
      '/api/v1/bootstrap-keys',
      body,
      token,
    );
    return { id: made.key.id, secret: made.secret };
  };
  const secretOf = (deviceId: string) => `made-by-chance-${deviceId}`.padEnd(32, '.');
  const provision = (key: string, deviceId: string, changes: object = {}) =>
    server.request('POST', '/api/v1/device-provisioning', {
      body: { key, deviceId, secret: secretOf(deviceId), worldType: 'jotunheim', ...changes },
    });

  it('registers itself, each device once whatever answers are lost, and connects', async () => {
    const key = await makeKey();
    const [first, again] = await Promise.all([provision(key.secret, 'SN-1'), provision(key.secret, 'SN-1')]);
    const lost = await provision(key.secret, 'SN-1');
    expect(lost.status).toBe(201);
    expect([first.status, again.status].sort()).toContain(201);
    const credentials = lost.body as unknown as DeviceCredentials;
    const socket = await BifrostSocket.open(server, credentials);
    socket.close();
    const { body } = await server.request('GET', `/api/v1/devices/${credentials.deviceId}`, {
      token: world.alice.token,
    });
    expect(body).toMatchObject({ name: 'Fleet SN-1', assignedId: 'SN-1', worldType: 'jotunheim' });
    expect(
      codeOf(await provision(key.secret, 'SN-1', { secret: 'somebody else with the key'.padEnd(32) })),
    ).toBe('409 device_id_taken');
    expect((await provision(key.secret, 'SN-2')).status).toBe(201);
    expect(codeOf(await provision(key.secret, 'SN-3'))).toBe('403 bootstrap_key_wrong');
    const { items } = await server.get<{ items: { id: string; devicesUsed: number }[] }>(
      '/api/v1/bootstrap-keys',
      world.alice.token,
    );
    expect(items.find(({ id }) => id === key.id)).toMatchObject({ devicesUsed: 2, devicesMax: 2 });
    expect(JSON.stringify(items)).not.toContain(key.secret);
    aheadMs += 25 * 3_600_000;
  });

  it('may only what its key is for, while it is good', async () => {
    const key = await makeKey({ worldTypes: ['asgard'] });
    expect(codeOf(await provision(key.secret, 'SN-10'))).toBe('403 bootstrap_key_wrong');
    expect((await provision(key.secret, 'SN-11', { worldType: 'asgard' })).status).toBe(201);
    const path = `/api/v1/bootstrap-keys/${key.id}`;
    expect(codeOf(await server.request('DELETE', path, { token: world.bob.token }))).toBe(
      '404 token_not_found',
    );
    await server.request('DELETE', path, { token: world.alice.token, expect: 200 });
    expect(codeOf(await provision(key.secret, 'SN-12', { worldType: 'asgard' }))).toBe(
      '403 bootstrap_key_wrong',
    );
    const short = await makeKey();
    aheadMs += 2 * 3_600_000;
    expect(codeOf(await provision(short.secret, 'SN-13'))).toBe('403 bootstrap_key_wrong');
    // What could not be registered uses nothing up.
    const next = await makeKey({ name: 'Next', devicesMax: 1 });
    expect(codeOf(await provision(next.secret, 'SN-11'))).toBe('409 device_id_taken');
    expect((await provision(next.secret, 'SN-14')).status).toBe(201);
  });

  it('registers once more what was registered when the server died before it could say so', async () => {
    const key = await makeKey();
    const died = (await provision(key.secret, 'SN-40')).body as unknown as DeviceCredentials;
    const owner = connect(server.databaseUrl, { connectionsMax: 1 });
    await owner
      .begin(async (sql) => {
        await sql`ALTER TABLE bootstrap_devices NO FORCE ROW LEVEL SECURITY`;
        const forgot = await sql`
          UPDATE bootstrap_devices SET device_id = NULL, credentials_sealed = NULL WHERE device_id = ${died.deviceId}`;
        expect(forgot.count).toBe(1);
        await sql`ALTER TABLE bootstrap_devices FORCE ROW LEVEL SECURITY`;
      })
      .finally(() => owner.end({ timeout: 5 }));
    expect(codeOf(await provision(key.secret, 'SN-40'))).toBe('409 idempotency_key_in_flight');
    aheadMs += 60_000;
    const again = await provision(key.secret, 'SN-40');
    expect(again.status).toBe(201);
    const socket = await BifrostSocket.open(server, again.body as unknown as DeviceCredentials);
    socket.close();
    const path = `/api/v1/devices/${died.deviceId}`;
    expect((await server.request('GET', path, { token: world.alice.token })).status).toBe(404);
    expect((await provision(key.secret, 'SN-41')).status).toBe(201);
  });

  it('has a name for each device however long its key’s is, and never more devices than it may', async () => {
    const key = await makeKey({ name: 'Long '.repeat(20).trimEnd().padEnd(100, 'x'), devicesMax: 3 });
    const ids = ['SN-50', 'SN-51', 'SN-52', 'SN-53', 'SN-54', 'SN-55'];
    const answers = await Promise.all(ids.map((id) => provision(key.secret, id)));
    expect(answers.map(codeOf).sort()).toEqual([
      ...Array(3).fill('201 '),
      ...Array(3).fill('403 bootstrap_key_wrong'),
    ]);
  });

  it('registers by a command, which asks again for an answer that was lost', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'yggdrasil-provision-'));
    const credentials = join(folder, 'device.json');
    const { secret } = await makeKey({ name: 'Commanded' });
    const options = {
      deviceId: 'SN-30',
      credentials,
      worldType: 'jotunheim',
      server: server.httpUrl,
      key: secret,
    };
    try {
      await expect(provisionDevice({ ...options, key: 'ygb_wrong' })).rejects.toThrow('bootstrap_key_wrong');
      const lost = await provision(secret, 'SN-30', {
        secret: await readFile(`${credentials}.secret`, 'utf8'),
      });
      await provisionDevice(options);
      expect(JSON.parse(await readFile(credentials, 'utf8'))).toEqual(lost.body);
      expect((await stat(credentials)).mode & 0o777).toBe(0o600);
      await provisionDevice({ ...options, server: 'http://127.0.0.1:1' });
      expect(await readdir(folder)).toEqual(['device.json']);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('of somebody who may not any more lets no device in', async () => {
    const { alice, bob } = world;
    const grant = { userId: bob.userId, role: 'administrator', networkIds: null };
    await server.post('/api/v1/members', grant, alice.token);
    const { items } = await server.get<{ items: { id: string; role: string }[] }>(
      '/api/v1/tenants',
      alice.token,
    );
    const made = await server.request('POST', '/api/v1/bootstrap-keys', {
      token: bob.token,
      headers: { 'x-tenant-id': items.find(({ role }) => role === 'owner')?.id ?? '' },
      body: { name: 'His', networkId: alice.network.id, devicesMax: 5, expiresAt: inHours(1) },
      expect: 201,
    });
    const { secret } = made.body as { secret: string };
    expect((await provision(secret, 'SN-20')).status).toBe(201);
    const member = `/api/v1/members/${bob.userId}`;
    await server.request('PUT', member, {
      token: alice.token,
      body: { role: 'member', networkIds: null },
      expect: 200,
    });
    expect(codeOf(await provision(secret, 'SN-21'))).toBe('403 forbidden');
    await server.request('DELETE', member, { token: alice.token, expect: 200 });
    expect(codeOf(await provision(secret, 'SN-22'))).toBe('403 bootstrap_key_wrong');
  });
});
