import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import {
  connectRatatoskr,
  createLocks,
  createTokenGuard,
  locksOverHttp,
  locksOverRatatoskr,
} from '../../device/client/index.ts';
import { nodeSessions } from '../../device/node/ratatoskr.ts';
import { eventually } from '../integration/http/server-under-test.ts';
import { createDeviceCore } from '../support/core.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { createDevice, createWorld, type World } from '../support/world.ts';

let server: TestServer;
let world: World;

beforeAll(async () => {
  server = await startTestServer();
  world = await createWorld(server);
});
afterAll(() => server.stop());

const locksOf = (token: string) => createLocks(locksOverHttp({ url: server.httpUrl, token }));
const acquire = (token: string, body: Readonly<Record<string, unknown>>) =>
  server.request('POST', '/api/v1/locks', { token, body });
const codeOf = ({ body }: { readonly body: Readonly<Record<string, unknown>> }) =>
  (body.error as { code: string } | undefined)?.code;

/** Runs the program as it is built, to its end. */
async function run(args: readonly string[], token: string) {
  const child = spawn(process.execPath, ['build/yggdrasil.js', ...args], {
    env: { PATH: process.env.PATH, YGGDRASIL_TOKEN: token },
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let output = '';
  child.stdout.on('data', (text) => {
    output += text;
  });
  const [code] = await once(child, 'close');
  return { code, output: output.trim() };
}

describe('a lock over the API', () => {
  it('is shared by people and devices of a network, over HTTP and Ratatoskr, and listed', async () => {
    const { alice } = world;
    const other = await createDevice(server, alice.token, alice.network.id, 'Second device');
    const client = connectRatatoskr(
      { url: `${server.webSocketUrl}/ratatoskr`, credentials: other },
      nodeSessions(createDeviceCore()),
    );
    onTestFinished(() => client.close());
    const scope = { networkId: alice.network.id };
    const first = await locksOf(alice.device.token).acquire('arm', scope);
    const waiting = createLocks(locksOverRatatoskr(client)).acquire('arm', scope);
    const list = () =>
      server.get<{
        items: { id: string; waiting: number; holders: { principal: string; token: number }[] }[];
      }>(`/api/v1/locks?networkId=${alice.network.id}&name=arm`, alice.token);
    await eventually('one waits', async () => (await list()).items[0]?.waiting === 1, 20_000);
    expect((await list()).items[0]?.holders).toMatchObject([
      { principal: `device:${alice.device.deviceId}`, token: first.token },
    ]);
    expect(codeOf(await acquire(alice.token, { name: 'arm', ...scope }))).toBe('lock_not_granted');
    await first.release();
    const second = await waiting;
    expect(second.token).toBe(first.token + 1);
    const check = (token: number) =>
      server.request('POST', '/api/v1/locks/check', {
        token: alice.token,
        body: { name: 'arm', ...scope, token },
      });
    expect(await check(second.token)).toMatchObject({ status: 200, body: { lastToken: second.token } });
    expect(codeOf(await check(first.token))).toBe('lock_token_stale');
    await second.release();
    await second.release();
  });

  it('refuses names, numbers and scopes that are none', async () => {
    const { alice, bob } = world;
    const refused = async (body: Readonly<Record<string, unknown>>, token = alice.token) =>
      codeOf(await acquire(token, body));
    expect(await refused({ name: 'x'.repeat(201) })).toBe('invalid_input');
    expect(await refused({ name: 'x'.repeat(1_048_576) })).toBe('too_large');
    expect(await refused({ name: '\u0000' })).toBe('invalid_input');
    expect(await refused({ name: 'a', leaseSeconds: 0.5 })).toBe('invalid_input');
    expect(await refused({ name: 'a', waitSeconds: 51 })).toBe('invalid_input');
    expect(await refused({ name: 'a', networkId: bob.network.id })).toBe('network_not_found');
    expect(await refused({ name: 'a', deviceId: bob.device.deviceId })).toBe('device_not_found');
    expect(await refused({ name: 'a', deviceId: bob.device.deviceId }, alice.device.token)).toBe(
      'device_not_found',
    );
  });

  it('ends with the device’s place in the network', async () => {
    const { alice } = world;
    const guest = await createDevice(server, alice.token, alice.network.id, 'Leaving device');
    const scope = { name: 'leaving', networkId: alice.network.id };
    const held = await acquire(guest.token, scope);
    expect(held.status).toBe(200);
    await server.request('DELETE', `/api/v1/devices/${guest.deviceId}/networks/${alice.network.id}`, {
      token: alice.token,
      expect: 200,
    });
    expect(codeOf(await acquire(guest.token, scope))).toBe('network_not_found');
    const renewed = await server.request('POST', `/api/v1/locks/claims/${held.body.id}/renew`, {
      token: guest.token,
      body: {},
    });
    expect(codeOf(renewed)).toBe('lock_not_found');
    expect((await acquire(alice.token, scope)).status).toBe(200);
  });

  it('is resolved in a deadlock, and who gives way learns at once what it lost', async () => {
    const { alice } = world;
    const locks = locksOf(alice.token);
    const [one, two] = [locks.holder('one'), locks.holder('two')];
    const [a, b] = [await one.acquire('a'), await two.acquire('b')];
    const crossing = [one.acquire('b', { priority: 9 }), two.acquire('a')] as const;
    await expect(crossing[1]).rejects.toMatchObject({ code: 'lock_deadlock' });
    expect(b.lost.reason).toMatchObject({ code: 'lock_preempted' });
    await expect(b.release()).rejects.toMatchObject({ code: 'lock_preempted' });
    await (await crossing[0]).release();
    await a.release();
  });
});

describe('what a lock guards', () => {
  it('is changed by the database under the token that holds now, and no other', async () => {
    const { alice } = world;
    const path = `/api/v1/devices/${alice.device.deviceId}/state`;
    const locks = locksOf(alice.token);
    const first = await locks.acquire('lamp');
    const set = (token: number, lockId = first.lockId) =>
      server.request('PATCH', path, {
        token: alice.token,
        body: { desired: { by: token }, lock: { lockId, token } },
      });
    expect((await set(first.token)).status).toBe(200);
    await first.release();
    const second = await locks.acquire('lamp');
    const stale = await set(first.token);
    expect([stale.status, codeOf(stale)]).toEqual([409, 'lock_token_stale']);
    expect((await set(second.token)).status).toBe(200);
    // Somebody else's lock guards nothing here.
    const foreign = await locksOf(world.bob.token).acquire('lamp');
    expect(codeOf(await set(foreign.token, foreign.lockId))).toBe('lock_token_stale');
    await Promise.all([second.release(), foreign.release()]);
  });

  it('is guarded in a process by the highest token of each name', () => {
    const guard = createTokenGuard([['a', 5]]);
    guard.require('a', 5);
    guard.require('a', 7);
    guard.require('b', 1);
    expect(() => guard.require('a', 6)).toThrowError(expect.objectContaining({ code: 'lock_token_stale' }));
  });
});

describe('the example of the guide', () => {
  it('takes a lock, says its token, and gives it back', async () => {
    const guide = readFileSync('docs/locks.md', 'utf8');
    const example = readFileSync('device/examples/lock/main.ts', 'utf8');
    expect(guide).toContain(example);
    vi.stubEnv('YGGDRASIL_URL', server.httpUrl);
    vi.stubEnv('YGGDRASIL_TOKEN', world.alice.token);
    const log = vi.spyOn(console, 'log').mockImplementation(() => {});
    onTestFinished(() => {
      vi.unstubAllEnvs();
      log.mockRestore();
    });
    await import('../../device/examples/lock/main.ts');
    expect(log.mock.calls).toEqual([['held under the token', 1]]);
    const { items } = await server.get<{ items: unknown[] }>('/api/v1/locks?name=arm', world.bob.token);
    expect(items).toEqual([]);
  });
});

describe('yggdrasil lock', () => {
  it('runs a command while it has the lock, and ends as that does', async () => {
    const { alice } = world;
    const script = 'console.log(process.env.YGGDRASIL_LOCK_TOKEN); process.exitCode = 7';
    const args = ['lock', 'cli', '--server', server.httpUrl, '--wait', '0'];
    const locked = run([...args, '--', process.execPath, '-e', script], alice.token);
    expect(await locked).toEqual({ code: 7, output: '1' });
    const held = await locksOf(alice.token).acquire('cli');
    expect((await run([...args, '--', 'true'], alice.token)).code).toBe(1);
    expect(held.token).toBe(2);
    await held.release();
  });

  it('ends the command when the lock is lost', async () => {
    const { alice } = world;
    const args = ['lock', 'lost', '--server', server.httpUrl, '--lease', '1', '--', 'sleep', '60'];
    const locked = run(args, alice.token);
    // A claim without a holder's name has its own id for one.
    const claimId = await eventually(
      'it is held',
      async () => {
        const { items } = await server.get<{ items: { holders: { holder: string }[] }[] }>(
          '/api/v1/locks?name=lost',
          alice.token,
        );
        return items[0]?.holders[0]?.holder;
      },
      20_000,
    );
    await server.request('DELETE', `/api/v1/locks/claims/${claimId}`, { token: alice.token, expect: 200 });
    expect((await locked).code).toBe(1);
  });
});
