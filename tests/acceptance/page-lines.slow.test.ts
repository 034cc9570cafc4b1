import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { launchChromium } from '../support/chromium.ts';
import { signInWithToken, type Visitor, visit } from '../support/page-visitor.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { type ServerProcess, startServerProcess } from '../support/server-process.ts';
import { createDevice, createWorld, type World } from '../support/world.ts';
import { connectPlain } from './mqtt/plain-clients.ts';

let browser: Browser;
let server: TestServer;
let world: World;

beforeAll(async () => {
  [browser, server] = await Promise.all([launchChromium(), startTestServer()]);
  world = await createWorld(server);
});
afterAll(async () => {
  await browser?.close();
  await server?.stop();
});

const lostIn = (page: Page) => page.getByText('No connection to the server');

it('two people in two browsers share a network: what one switches the other sees, and neither sees the other’s own', async () => {
  const { token, network } = world.alice;
  await server.request('POST', '/api/v1/members', {
    body: { userId: world.bob.userId, role: 'member', networkIds: [network.id] },
    token,
    expect: 201,
  });
  const lamp = await createDevice(server, token, network.id, 'Shared lamp');
  const topics = `devices/${lamp.deviceId}`;
  const { mqtt } = await connectPlain(server, lamp);
  const say = (topic: string, value: object) =>
    mqtt.publishAsync(`${topics}/${topic}`, JSON.stringify(value), { qos: 1 });
  mqtt.on('message', (_, payload) => {
    const { id, arguments: given } = JSON.parse(payload.toString());
    void say('state', { led: given.on }).then(() => say('results', { id, values: given }));
  });
  await mqtt.subscribeAsync(`${topics}/commands/#`, { qos: 1 });
  await say('capabilities', {
    platform: 'p',
    firmware: '1',
    sensors: [],
    actuators: ['led'],
    commands: ['led.set'],
  });
  await say('state', { led: false });

  const [alice, bob] = await Promise.all([
    visit(browser, server.httpUrl, 'desktop'),
    visit(browser, server.httpUrl, 'phone'),
  ]);
  await Promise.all([signInWithToken(alice, token), signInWithToken(bob, world.bob.token)]);
  await bob.goTo('#/devices');
  await bob.page.getByText('First device').first().waitFor();
  // Bob acts in Alice's tenant; in his own the lamp is not.
  expect(await bob.page.getByText('Shared lamp').count()).toBe(0);
  const { items } = await server.get<{ items: { id: string; role: string }[] }>(
    '/api/v1/tenants',
    world.bob.token,
  );
  const shared = items.find(({ role }) => role === 'member')?.id ?? '';
  await bob.page.getByLabel('Acting for').selectOption(shared);
  await bob.goTo(`#/devices/${lamp.deviceId}`);
  await alice.goTo(`#/devices/${lamp.deviceId}`);
  const switchOf = ({ page }: Visitor) => page.getByRole('switch', { name: 'led' });
  await Promise.all([switchOf(alice).waitFor(), switchOf(bob).waitFor()]);
  await switchOf(bob).click();
  await alice.page.getByRole('switch', { name: 'led', checked: true }).waitFor();
  await switchOf(alice).click();
  await bob.page.getByRole('switch', { name: 'led', checked: false }).waitFor();
  await Promise.all([alice.leaveWithoutComplaint(), bob.leaveWithoutComplaint()]);
});

it('on a slow line the page says that it waits, and shows what is there', async () => {
  const alice = await visit(browser, server.httpUrl, 'phone');
  const devtools = await alice.page.context().newCDPSession(alice.page);
  await devtools.send('Network.enable');
  // A bad mobile line: 400 ms there and back, 40 KB a second.
  await devtools.send('Network.emulateNetworkConditions', {
    offline: false,
    latency: 400,
    downloadThroughput: 40_000,
    uploadThroughput: 40_000,
  });
  await signInWithToken(alice, world.alice.token);
  await alice.goTo('#/devices');
  await alice.page.getByText('First device').first().waitFor();
  expect(await lostIn(alice.page).count()).toBe(0);
  await alice.requireUsable();
  await alice.leaveWithoutComplaint();
});

it('a server that starts anew while the page is open is said to be away, and is taken up again without a reload', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'yggdrasil-page-'));
  const data = { YGGDRASIL_DATA_DIR: join(folder, 'data') };
  let running: ServerProcess = await startServerProcess(data);
  onTestFinished(async () => {
    await running.end('SIGTERM');
    rmSync(folder, { recursive: true, force: true });
  });
  const origin = running.httpUrl;
  const { port } = new URL(origin);
  const ask = async <Answer>(path: string, body: object, token = ''): Promise<Answer> => {
    const response = await fetch(`${origin}/api/v1/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      body: JSON.stringify(body),
    });
    return (await response.json()) as Answer;
  };
  const { token } = await ask<{ token: string }>('setup', { code: running.setupCode, name: 'Ada' });
  const { id: networkId } = await ask<{ id: string }>('networks', { name: 'Home' }, token);
  const register = (name: string) => ask('devices', { name, networkId, worldType: 'jotunheim' }, token);
  await register('Before');
  const ada = await visit(browser, origin, 'desktop');
  await signInWithToken(ada, token);
  await ada.goTo('#/devices');
  await ada.page.getByText('Before').waitFor();
  await running.end('SIGTERM');
  await lostIn(ada.page).waitFor();
  running = await startServerProcess({ ...data, YGGDRASIL_PORT: port });
  await lostIn(ada.page).waitFor({ state: 'detached' });
  await register('After');
  await ada.page.getByText('After').waitFor();
  await ada.leaveWithoutComplaint();
});
