import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import {
  LOGIN_FAILURES_OF_ADDRESS_MAX,
  LOGIN_TRIES_FROM_ADDRESS_MAX,
} from '../../../server/domains/devices/limits.ts';
import { startTestServer, type TestServer } from '../../support/server.ts';
import { runCommand } from '../../support/server-process.ts';
import { createDevice, createHousehold, createWorld, type World } from '../../support/world.ts';
import { connectPlain } from './plain-clients.ts';

let server: TestServer;
let world: World;

beforeAll(async () => {
  server = await startTestServer();
  world = await createWorld(server);
});
afterAll(() => server.stop());

/** The end of a user name that nobody has. */
const lettersOf = (index: number) => `bbbb${'bcdfghjk'[index >> 3]}${'bcdfghjk'[index & 7]}`;

/** A reason code of MQTT 5. */
const SERVER_BUSY = 0x89;

const PASSWORD = 'a-word-of-mine';

interface Login {
  readonly username: string;
  readonly password: string | null;
}

/** An owner with a plain device. */
async function home() {
  const household = await createHousehold(server, world.adminToken);
  const device = await createDevice(server, household.token, household.network.id, 'Lamp');
  const ask = async (method: string, body?: unknown, token = household.token) => {
    const response = await fetch(`${server.httpUrl}/api/v1/devices/${device.deviceId}/mqtt-login`, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };
  const set = async (body: { name: string; password?: string }): Promise<Login> => {
    const { status, body: login } = await ask('PUT', body);
    expect(status).toBe(200);
    return login as unknown as Login;
  };
  return { household, device, ask, set };
}

const enter = (username: string, password: string, options = {}) =>
  connectPlain(server, { deviceId: username, token: password } as never, options);

const refusal = (username: string, password: string, options = {}): Promise<unknown> =>
  enter(username, password, options).then(
    () => 'let in',
    (error: { code?: unknown }) => error.code,
  );

describe("a device's user name and password", () => {
  it.each([4, 5] as const)(
    'let it in over MQTT level %i, as the device that it is',
    async (protocolVersion) => {
      const { device, set } = await home();
      const { username, password } = await set({ name: 'lamp', password: PASSWORD });
      expect(username).toMatch(/^lamp-[bcdfghjklmnpqrstvwxz]{6}$/);
      expect(password).toBeNull();
      const plain = await enter(username, PASSWORD, { protocolVersion });
      await plain.mqtt.subscribeAsync('#', { qos: 1 });
      await plain.mqtt.publishAsync(`devices/${device.deviceId}/readings/t`, '21', { qos: 1 });
      expect(await plain.hears(1)).toEqual([`devices/${device.deviceId}/readings/t 21 1`]);
    },
  );

  it('are made by the server where the owner chooses no password', async () => {
    const { set } = await home();
    const { username, password } = await set({ name: 'lamp' });
    expect(password).toMatch(/^[\w-]{16}$/);
    await enter(username, password ?? '');
  });

  it('open the same lasting session as id and token', async () => {
    const { device, set } = await home();
    const { username } = await set({ name: 'lamp', password: PASSWORD });
    const options = { clean: false, clientId: 'one' };
    const first = await connectPlain(server, device, options);
    await first.mqtt.subscribeAsync('a', { qos: 1 });
    await first.mqtt.endAsync();
    const second = await enter(username, PASSWORD, options);
    expect(second.sessionPresent).toBe(true);
  });

  it('name a network behind an @, as an id does', async () => {
    const { household, set } = await home();
    const { username } = await set({ name: 'lamp', password: PASSWORD });
    await enter(`${username}@${household.network.id}`, PASSWORD);
    const stranger = await enter(`${username}@${world.bob.network.id}`, PASSWORD);
    await expect(stranger.mqtt.subscribeAsync('#', { qos: 1 })).rejects.toThrow('Subscribe error');
  });

  it('are shown by name only', async () => {
    const { ask, set } = await home();
    expect(await ask('GET')).toEqual({ status: 200, body: { login: null } });
    const { username } = await set({ name: 'lamp', password: PASSWORD });
    const { body } = await ask('GET');
    expect(body).toEqual({ login: { username, changedAt: expect.any(String) } });
    expect((await ask('GET', undefined, world.bob.token)).status).toBe(404);
  });

  it.each([
    [
      'the password that was changed',
      async ({ set }: Awaited<ReturnType<typeof home>>) => {
        await set({ name: 'lamp', password: 'another-of-mine' });
      },
    ],
    [
      'the login that was removed',
      async ({ ask }: Awaited<ReturnType<typeof home>>) => {
        expect((await ask('DELETE')).status).toBe(200);
      },
    ],
  ])('end at once with %s, and what they opened with them', async (_, change) => {
    const owner = await home();
    const { username } = await owner.set({ name: 'lamp', password: PASSWORD });
    const byPassword = await enter(username, PASSWORD, { clientId: 'one' });
    const byToken = await connectPlain(server, owner.device, { clientId: 'two' });
    const closed = new Promise<void>((resolve) => byPassword.mqtt.once('close', () => resolve()));
    await change(owner);
    await closed;
    expect(await refusal(username, PASSWORD)).toBe(4);
    expect(byToken.mqtt.connected).toBe(true);
  });

  it('keep the name where its word stays, and take another with another word', async () => {
    const { set } = await home();
    const first = await set({ name: 'lamp', password: PASSWORD });
    const second = await set({ name: 'lamp', password: 'another-of-mine' });
    expect(second.username).toBe(first.username);
    const third = await set({ name: 'hall-lamp', password: PASSWORD });
    expect(third.username).toMatch(/^hall-lamp-/);
    expect(await refusal(first.username, 'another-of-mine')).toBe(4);
  });

  it('are the same word in two tenants, and two names', async () => {
    const [one, other] = [await home(), await home()];
    const first = await one.set({ name: 'lamp', password: PASSWORD });
    const second = await other.set({ name: 'lamp', password: 'another-of-mine' });
    expect(second.username).not.toBe(first.username);
    expect(await refusal(first.username, 'another-of-mine')).toBe(4);
    await enter(second.username, 'another-of-mine');
  });

  it.each([
    ['a short password', { name: 'lamp', password: 'eleven-char' }],
    ['a long one', { name: 'lamp', password: 'x'.repeat(65) }],
    ['one with a space', { name: 'lamp', password: 'a word of mine' }],
    ['a name with an @', { name: 'lamp@home', password: PASSWORD }],
    ['a name in capitals', { name: 'Lamp', password: PASSWORD }],
    ['a long name', { name: 'x'.repeat(16), password: PASSWORD }],
    ['no name', { password: PASSWORD }],
  ])('are refused with %s', async (_, body) => {
    const { ask } = await home();
    const { status, body: answer } = await ask('PUT', body);
    expect([status, answer.code ?? (answer.error as { code?: string } | undefined)?.code]).toEqual([
      400,
      'invalid_input',
    ]);
  });

  it('open nothing but MQTT', async () => {
    const { set } = await home();
    const { username } = await set({ name: 'lamp', password: PASSWORD });
    for (const authorization of [
      `Bearer ${PASSWORD}`,
      `Basic ${Buffer.from(`${username}:${PASSWORD}`).toString('base64')}`,
    ]) {
      const { status } = await fetch(`${server.httpUrl}/api/v1/devices`, { headers: { authorization } });
      expect(status).toBe(401);
    }
  });

  it.each([4, 5] as const)('send and get no frames over MQTT level %i', async (protocolVersion) => {
    const { device, set } = await home();
    const { username } = await set({ name: 'lamp', password: PASSWORD });
    const plain = await enter(username, PASSWORD, { protocolVersion });
    const frames = `bifrost/v1/${device.deviceId}`;
    await expect(plain.mqtt.subscribeAsync(`${frames}/down`, { qos: 1 })).rejects.toThrow('Subscribe error');
    const said = plain.mqtt.publishAsync(`${frames}/up`, 'a frame', { qos: 1 });
    if (protocolVersion === 5) await expect(said).rejects.toThrow('Not authorized');
    else await new Promise<void>((resolve) => plain.mqtt.once('close', () => resolve()));
    said.catch(() => undefined);
  });

  it('are set, shown and removed on the command line', async () => {
    const { household, device } = await home();
    const folder = mkdtempSync(join(tmpdir(), 'yggdrasil-mqtt-login-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const file = join(folder, 'password');
    writeFileSync(file, `${PASSWORD}\n`);
    const run = async (...options: string[]) => {
      const { code, stdout, stderr } = await runCommand('devices', {
        arguments: ['mqtt-login', device.deviceId, '--server', server.httpUrl, ...options],
        environment: { YGGDRASIL_TOKEN: household.token },
      });
      expect([code, stderr]).toEqual([0, '']);
      return stdout;
    };
    const made = await run('--name', 'lamp');
    const [, username = '', password = ''] = /^user name (\S+)\npassword {2}(\S+)\n/.exec(made) ?? [];
    await enter(username, password);
    expect(await run('--name', 'lamp', '--password-file', file)).toBe(`user name ${username}\n`);
    await enter(username, PASSWORD);
    expect(await run()).toBe(`${username}\n`);
    await run('--remove');
    expect(await refusal(username, PASSWORD)).toBe(4);
  });

  it('are slowed where somebody guesses, and let the device in that was here before', async () => {
    const { set } = await home();
    const { username } = await set({ name: 'lamp', password: PASSWORD });
    await enter(username, PASSWORD, { clientId: 'one' });
    // Its own first try counted.
    for (let guess = 1; guess < LOGIN_TRIES_FROM_ADDRESS_MAX; guess++) {
      expect(await refusal(username, `wrong-word-${guess}`)).toBe(4);
    }
    expect(await refusal(username, 'wrong-word-and-one-more')).toBe(3);
    expect(await refusal(username, 'wrong-word-and-two-more', { protocolVersion: 5 })).toBe(SERVER_BUSY);
    await enter(username, PASSWORD, { clientId: 'two' });
    // Another password begins anew.
    await set({ name: 'lamp', password: 'another-of-mine' });
    expect(await refusal(username, PASSWORD)).toBe(4);
    await enter(username, 'another-of-mine');
  });

  it('answer a guess at a name that nobody has as one at a wrong password', async () => {
    for (let guess = 0; guess < LOGIN_TRIES_FROM_ADDRESS_MAX; guess++) {
      expect(await refusal('lamp-bbbbbb', PASSWORD)).toBe(4);
    }
    expect(await refusal('lamp-bbbbbb', PASSWORD)).toBe(3);
    // Anybody can do this: it is no fault of the server's.
    expect(server.logs.filter(({ level }) => level === 'error')).toEqual([]);
  });

  it('are no more looked at, whatever the name, where too many from an address were wrong; who was here comes in', async () => {
    const own = await startTestServer();
    onTestFinished(() => own.stop());
    const { token } = await createWorld(own).then(({ alice }) => alice);
    const { id } = (await own.get<{ items: { id: string }[] }>('/api/v1/networks', token)).items[0] ?? {
      id: '',
    };
    const known = await createDevice(own, token, id, 'Known lamp');
    const path = `/api/v1/devices/${known.deviceId}/mqtt-login`;
    const { body } = await own.request('PUT', path, {
      body: { name: 'lamp', password: PASSWORD },
      token,
      expect: 200,
    });
    const sign = (username: string, password: string) =>
      connectPlain(own, { deviceId: username, token: password } as never).then(
        () => 'let in',
        (error: { code?: unknown }) => error.code,
      );
    expect(await sign(String(body.username), PASSWORD)).toBe('let in');
    const names = Array.from({ length: LOGIN_FAILURES_OF_ADDRESS_MAX }, (_, index) => lettersOf(index));
    for (const letters of names) expect(await sign(`lamp-${letters}`, PASSWORD)).toBe(4);
    expect(await sign('lamp-zzzzzz', PASSWORD)).toBe(3);
    expect(await sign(String(body.username), PASSWORD)).toBe('let in');
  });
});
