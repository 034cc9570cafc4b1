import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectAsync } from 'mqtt';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { systemClock, systemRandom } from '../../device/client/index.ts';
import { createMqttConnector } from '../../device/virtual/mqtt-connector.ts';
import { createScriptFiles } from '../../device/virtual/scripts/store.ts';
import { VirtualDevice } from '../../device/virtual/virtual-device.ts';
import { ConnectionAsk, encodePayload, FrameType, uuidToBytes } from '../../proto/index.ts';
import { RELEASE_PART_BYTES } from '../../server/domains/releases/limits.ts';
import { BifrostSocket } from '../support/bifrost-socket.ts';
import { launchChromium } from '../support/chromium.ts';
import { createDeviceCore } from '../support/core.ts';
import { SCREENS, signInWithToken, type Visitor, visit } from '../support/page-visitor.ts';
import { allowPublisher, makeRelease, publisherKey, upload } from '../support/releases.ts';
import { keeper, ownerKey, signedScript } from '../support/scripts.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { MemoryFlash } from '../support/update-rig.ts';
import {
  createDevice,
  createHousehold,
  createWorld,
  type DeviceCredentials,
  type Household,
  type World,
} from '../support/world.ts';

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

/** Somebody signed in, in a browser of their own. */
async function visitorOf(token: string) {
  const visitor = await visit(browser, server.httpUrl, 'desktop');
  await signInWithToken(visitor, token);
  return visitor;
}

/** Fails where what is seen has a fault on a desktop, where it is dark, or on a phone, where it is light. */
async function requireUsableOnBoth({ page, requireUsable }: Visitor): Promise<void> {
  for (const screen of ['phone', 'desktop'] as const) {
    const { viewport, colorScheme } = SCREENS[screen];
    await page.setViewportSize(viewport);
    await page.emulateMedia({ colorScheme });
    await requireUsable();
  }
}

/** A simulated microcontroller that is connected until the test ends. */
async function connectVirtual(credentials: DeviceCredentials) {
  const folder = await mkdtemp(join(tmpdir(), 'yggdrasil-page-'));
  const device = new VirtualDevice(
    { credentials, intervalMs: 600_000, readingsMax: Number.POSITIVE_INFINITY },
    {
      core: createDeviceCore(),
      connect: createMqttConnector(server.mqttUrl, credentials),
      clock: systemClock,
      random: systemRandom,
      memory: { load: () => null, save: () => {} },
      scripts: { store: createScriptFiles(folder), ownerKey },
      updates: { flash: new MemoryFlash(1_048_576), ownerKey: publisherKey, starts: () => true },
      report: () => undefined,
    },
  );
  const ended = device.run();
  const stop = async () => {
    await device.stop();
    await ended;
    await rm(folder, { recursive: true, force: true });
  };
  onTestFinished(stop);
  return { stop };
}

/** Bob brings a device into somebody's network. */
async function addGuest({ network, token }: Household, name: string): Promise<DeviceCredentials> {
  const phone = await createDevice(server, world.bob.token, world.bob.network.id, name);
  const grant = { userId: world.bob.userId, role: 'guest', networkIds: [network.id] };
  await server.post('/api/v1/members', grant, token);
  await server.request('PUT', `/api/v1/devices/${phone.deviceId}/networks/${network.id}`, {
    token: world.bob.token,
    expect: 200,
  });
  return { ...phone, networkId: network.id };
}

test('a device that takes short names only gets one where it is connected, and another password on its page', async () => {
  const owner = await createHousehold(server, world.adminToken);
  const ada = await visitorOf(owner.token);
  const { page } = ada;
  await ada.goTo('#/connect');
  await page.getByLabel('Name of the device').fill('Hall lamp');
  await page.getByRole('button', { name: 'Register the device' }).click();
  await page.getByLabel('Settings for').selectOption('Shelly');
  await page.getByText('room for 32 characters').waitFor();
  await requireUsableOnBoth(ada);
  await page.getByRole('button', { name: 'Make a user name and a password' }).click();
  const shelly = await page.getByRole('region', { name: 'In the MQTT settings of Shelly' }).textContent();
  const [, username = '', first = ''] = /Username: (\S+)\nPassword: (\S+)/.exec(shelly ?? '') ?? [];
  expect(username).toMatch(/^hall-lamp-[a-z]{6}$/);
  await page.getByLabel('Settings for').selectOption('Tasmota');
  await page.getByText(`MqttUser ${username}; MqttPassword ${first}`).waitFor();
  const lamp = await enter(username, first);
  await page.getByText('Hall lamp is connected.').waitFor();

  await page.getByRole('link', { name: 'Open the device' }).click();
  await page.getByText(username).waitFor();
  await requireUsableOnBoth(ada);
  const cut = new Promise<void>((resolve) => lamp.once('close', () => resolve()));
  await page.getByRole('button', { name: 'New password' }).click();
  await page.getByRole('group').getByRole('button', { name: 'New password' }).click();
  const second = (await page.getByRole('region', { name: /^Password/ }).textContent()) ?? '';
  await cut;
  await expect(enter(username, first)).rejects.toThrow();
  await enter(username, second.trim());
  await page.getByRole('button', { name: 'Remove them' }).click();
  await page.getByRole('group').getByRole('button', { name: 'Remove them' }).click();
  await page.getByText('signs in with its id and token').waitFor();
  await expect(enter(username, second.trim())).rejects.toThrow();
  await ada.leaveWithoutComplaint();
});

/** A plain device that signs in so, until the test ends. */
async function enter(username: string, password: string) {
  const client = await connectAsync(server.mqttUrl, { username, password, reconnectPeriod: 0 });
  onTestFinished(() => void client.end(true));
  return client;
}

test('a network is drawn, devices that ask are answered, and groups are made', async () => {
  const home = await createHousehold(server, world.adminToken);
  const { token, network, device } = home;
  const hub = await createDevice(server, token, network.id, 'مصباح <i>hub</i>');
  const guest = await addGuest(home, `Bob's <b>phone</b>`);
  const virtual = await connectVirtual(device);
  await server.request('PUT', `/api/v1/networks/${network.id}/connection-rule`, {
    body: { rule: 'ask' },
    token,
    expect: 200,
  });
  const phone = await BifrostSocket.open(server, guest);
  onTestFinished(() => phone.close());
  phone.send(
    { type: FrameType.CONNECTION_ASK },
    encodePayload(ConnectionAsk, {
      targetId: uuidToBytes(device.deviceId),
      operations: ['led.set'],
      reason: '<i>the switch</i>',
      waitMs: 600_000,
    }),
  );
  await phone.next(FrameType.CONNECTION_STATE);
  const allowed = { networkId: network.id, sourceId: hub.deviceId, targetId: device.deviceId };
  await server.post('/api/v1/connections', allowed, token);

  const visitor = await visitorOf(token);
  const { page } = visitor;
  await visitor.goTo(`#/networks/${network.id}/map`);
  const list = page.getByRole('list', { name: 'Devices and how each is connected' });
  await list.getByText('MQTT, through the server').waitFor();
  await list.getByText('sends to 1').waitFor();
  const drawing = page.getByRole('group', { name: 'The network, drawn' });
  await drawing.locator('.connection.asked').waitFor();
  expect(await drawing.locator('.connection.allowed').count()).toBe(1);
  expect(await drawing.locator('.device.offline').count()).toBe(1);
  await requireUsableOnBoth(visitor);
  await virtual.stop();
  await drawing.locator('.device.offline').nth(1).waitFor();

  await visitor.goTo('#/devices');
  await page.getByRole('link', { name: 'Devices wait for your answer: 1' }).click();
  const question = page.getByRole('region', { name: 'Waiting for an answer' });
  await question.getByText('“<i>the switch</i>”').waitFor();
  await question.getByText(`Bob's <b>phone</b>`).waitFor();
  await requireUsableOnBoth(visitor);
  await question.getByLabel('For how long').selectOption('for a day');
  await question.getByRole('button', { name: 'Allow' }).click();
  const decided = page.getByRole('region', { name: 'Decided' });
  await decided.getByText(/led\.set · until .* · by its owner/).waitFor();
  await visitor.goTo(`#/networks/${network.id}/connections`);
  const entry = decided.getByRole('listitem').filter({ hasText: 'led.set' });
  await entry.getByRole('button', { name: 'Withdraw' }).click();
  await entry.waitFor({ state: 'detached' });
  await page.getByRole('radio', { name: /Devices of different owners/ }).check();
  await requireUsableOnBoth(visitor);

  await visitor.goTo(`#/networks/${network.id}/groups`);
  await page.getByLabel('Name of the group').fill('Lamps "<b>"');
  await page.getByRole('button', { name: 'Make the group' }).click();
  await page.getByLabel('Device', { exact: true }).fill('First device');
  await page.getByRole('button', { name: 'Add', exact: true }).click();
  await page.getByRole('link', { name: 'First device' }).waitFor();
  await page.getByRole('button', { name: /Lamps "<b>" Devices: 1/ }).waitFor();
  await requireUsableOnBoth(visitor);
  for (const [part, shown] of [
    ['people', 'Invite somebody'],
    ['settings', 'Announce devices'],
  ] as const) {
    await visitor.goTo(`#/networks/${network.id}/${part}`);
    await page.getByText(shown).first().waitFor();
    await requireUsableOnBoth(visitor);
  }
  await visitor.leaveWithoutComplaint();
});

test('a release is rolled out to a group, paused, resumed and aborted, and another one reaches its device', async () => {
  const { token, network, device } = await createHousehold(server, world.adminToken);
  const away = await createDevice(server, token, network.id, 'Away');
  await allowPublisher(server, token);
  await upload(server, token, makeRelease('an image', { name: 'lamp', version: 7 }));
  await connectVirtual(device);
  for (const { deviceId, name } of [
    { deviceId: device.deviceId, name: 'Here' },
    { deviceId: away.deviceId, name: 'Elsewhere' },
  ]) {
    const path = `/api/v1/networks/${network.id}/groups`;
    const { id } = await server.post<{ id: string }>(path, { name }, token);
    await server.request('POST', `${path}/${id}/members`, {
      body: { deviceIds: [deviceId] },
      token,
      expect: 200,
    });
  }
  const visitor = await visitorOf(token);
  const { page } = visitor;
  await visitor.goTo(`#/networks/${network.id}/updates`);
  const begin = page.getByRole('region', { name: 'Begin a rollout' });
  await begin.getByRole('combobox', { name: 'For', exact: true }).selectOption('Elsewhere');
  await begin.getByRole('button', { name: 'Begin' }).click();
  const rollouts = page.getByRole('region', { name: 'lamp 7' });
  await rollouts.getByText('1 waiting').waitFor();
  await rollouts.getByRole('button', { name: 'Pause' }).click();
  await rollouts.getByRole('button', { name: 'Go on' }).click();
  await rollouts.getByRole('button', { name: 'Abort' }).click();
  await rollouts.getByRole('button', { name: 'Abort' }).click();
  await rollouts.getByText('Aborted', { exact: true }).waitFor();

  await begin.getByRole('combobox', { name: 'For', exact: true }).selectOption('Here');
  await begin.getByRole('button', { name: 'Begin' }).click();
  await rollouts.first().getByText('1 updated').waitFor();
  await rollouts.first().getByRole('button', { name: 'Its devices' }).click();
  await rollouts.first().getByRole('link', { name: 'First device' }).waitFor();
  await requireUsableOnBoth(visitor);

  await visitor.goTo(`#/devices/${device.deviceId}/software`);
  const updates = page.getByRole('region', { name: 'Updates' });
  await updates.getByRole('link', { name: 'lamp 7' }).waitFor();
  await updates.getByText('updated', { exact: true }).waitFor();
  await requireUsableOnBoth(visitor);
  await visitor.leaveWithoutComplaint();
});

test('a release is uploaded from a file, stopped on the way, and goes on where it was; what is none is said to be none', async () => {
  const { token, network } = await createHousehold(server, world.adminToken);
  await allowPublisher(server, token);
  const { manifest, signature, content } = makeRelease(new Uint8Array(3 * RELEASE_PART_BYTES + 5).fill(7), {
    name: 'big',
    version: 2,
  });
  const visitor = await visitorOf(token);
  const { page } = visitor;
  await visitor.goTo(`#/networks/${network.id}/updates`);
  const file = page.getByLabel('Signed release (.ygr)');
  const upload = page.getByRole('button', { name: 'Upload' });
  const choose = (name: string, ...parts: Uint8Array[]) =>
    file.setInputFiles({ name, mimeType: '', buffer: Buffer.concat(parts) });
  await choose('holiday.jpg', content);
  await upload.click();
  await page.getByText('This file is no signed release').waitFor();

  const asked: string[] = [];
  let goOn = () => {};
  const isHeld = new Promise<void>((held) => {
    void page.route('**/parts/1', (route) => {
      held();
      goOn = () => void route.continue().catch(() => undefined);
    });
  });
  page.on('request', (request) => {
    const [, part] = /\/parts\/(\d+)$/.exec(request.url()) ?? [];
    if (part !== undefined) asked.push(part);
  });
  await choose('big-2.ygr', manifest, signature, content);
  await upload.click();
  await isHeld;
  await page.getByRole('progressbar', { name: 'Upload' }).waitFor();
  await requireUsableOnBoth(visitor);
  await page.getByRole('button', { name: 'Stop' }).click();
  await page.getByText('Stopped. Upload it again').waitFor();
  goOn();
  await page.unroute('**/parts/1');
  await upload.click();
  await page.getByText('big 2 is on the server.').waitFor();
  // The first part isn't sent again.
  expect(asked.filter((part) => part === '0')).toHaveLength(1);
  expect(asked.at(-1)).toBe('3');
  await page.getByRole('region', { name: 'Begin a rollout' }).waitFor();
  await visitor.leaveWithoutComplaint();
});

test('a device is asked for an action, which is followed or cancelled, and gets and loses a script', async () => {
  const { token, device } = await createHousehold(server, world.adminToken);
  await connectVirtual(device);
  const visitor = await visitorOf(token);
  const { page } = visitor;
  await visitor.goTo(`#/devices/${device.deviceId}/actions`);
  await page.getByLabel('What to do').fill('led.blink');
  const given = page.getByLabel('Arguments');
  const begin = page.getByRole('button', { name: 'Begin' });
  const entries = page.getByRole('region', { name: 'Actions', exact: true }).getByRole('listitem');
  await given.fill('times=2\nintervalMs=10');
  await begin.click();
  await entries.first().getByText('Done').waitFor();
  await given.fill('times=100\nintervalMs=500');
  await begin.click();
  const long = entries.filter({ hasText: 'times=100' });
  await long.getByRole('progressbar').waitFor();
  await requireUsableOnBoth(visitor);
  await long.getByRole('button', { name: 'Cancel' }).click();
  await long.getByText('Cancelled').waitFor();

  await visitor.goTo(`#/devices/${device.deviceId}/software`);
  await page.getByText('There is no script on it.').waitFor();
  const file = page.getByLabel('Signed script (.ygs)');
  const deploy = page.getByRole('button', { name: 'Deploy' });
  const { bytes } = signedScript('keeper', keeper(7));
  await file.setInputFiles({ name: 'bad.ygs', mimeType: '', buffer: Buffer.alloc(bytes.length) });
  await deploy.click();
  await page.getByText(/script_signature_wrong/).waitFor();
  await file.setInputFiles({ name: 'keeper.ygs', mimeType: '', buffer: Buffer.from(bytes) });
  await deploy.click();
  const script = page.getByRole('region', { name: 'Scripts' }).getByRole('listitem');
  await script.getByText('keeper 1').waitFor();
  await requireUsableOnBoth(visitor);
  await script.getByRole('button', { name: 'Stop' }).click();
  await script.getByText(/stopped/).waitFor();
  await script.getByRole('button', { name: 'Remove' }).click();
  await script.getByRole('button', { name: 'Remove' }).click();
  await page.getByText('There is no script on it.').waitFor();

  await visitor.goTo(`#/devices/${device.deviceId}`);
  for (const [name, text] of [
    ['led.set', 'on=true'],
    [`<b>${'w'.repeat(110)}</b>`, `text=${'x'.repeat(300)}`],
    ['مصباح', ''],
  ] as const) {
    await page.getByLabel('Command', { exact: true }).fill(name);
    await page.getByLabel('Arguments').fill(text);
    await page.getByRole('button', { name: 'Send' }).click();
    await page.getByRole('listitem').filter({ hasText: name }).filter({ hasText: '→' }).first().waitFor();
  }
  await visitor.goTo(`#/devices/${device.deviceId}/log`);
  const sent = page.getByRole('region', { name: 'Sent to it' }).getByRole('listitem');
  await sent.filter({ hasText: 'led.set' }).getByText('Done · by you').waitFor();
  await sent
    .filter({ hasText: '<b>w' })
    .getByText(/Failed: command_unknown/)
    .waitFor();

  for (const [part, shown] of [
    ['connections', 'Others always ask first'],
    ['log', 'Nothing was dropped.'],
  ] as const) {
    await visitor.goTo(`#/devices/${device.deviceId}/${part}`);
    await page.getByText(shown).waitFor();
    await requireUsableOnBoth(visitor);
  }
  await visitor.leaveWithoutComplaint();
});

test('an operator sees nodes and configuration, checks books and log, suspends a tenant and undoes a measure', async () => {
  const someone = await server.post<{ user: { id: string } }>(
    '/api/v1/users',
    { name: '<b>Mallory</b>' },
    world.adminToken,
  );
  const operator = await visitorOf(world.adminToken);
  await Promise.all(
    Array.from({ length: 70 }, (_, attempt) =>
      server.request('GET', '/api/v1/users/me', { token: `ygu_${String(attempt).padStart(43, 'x')}` }),
    ),
  );
  const { page } = operator;
  const open = (part: string) => operator.goTo(`#/administration/${part}`);

  await open('people');
  const tenants = page.getByRole('region', { name: 'Tenants' }).getByRole('listitem');
  const tenant = tenants.filter({ hasText: '<b>Mallory</b>' });
  await tenant.getByRole('button', { name: 'Suspend' }).click();
  await tenant.getByLabel('Reason').fill('<i>Abuse</i>');
  await tenant.getByRole('button', { name: 'Suspend' }).click();
  await tenant.getByText(/Suspended .*: <i>Abuse<\/i>/).waitFor();
  await requireUsableOnBoth(operator);
  await tenant.getByRole('button', { name: 'Let go on' }).click();
  await tenant.getByRole('button', { name: 'Suspend' }).waitFor();
  expect(await page.textContent('body')).toContain(someone.user.id);

  await open('abuse');
  const measure = page.getByRole('region', { name: 'Done about abuse' }).getByRole('listitem');
  await measure.getByRole('button', { name: 'Undo' }).click();
  await page.getByText('Nobody is held back now.').waitFor();
  await page.getByText('YGGDRASIL_TENANT_REQUESTS_PER_MINUTE').waitFor();
  await requireUsableOnBoth(operator);

  await open('setup');
  await page.getByText('this one', { exact: true }).waitFor();
  await page.getByRole('searchbox').fill('DATABASE_URL');
  await page.getByText('set, not shown').waitFor();
  expect(await page.textContent('body')).not.toContain(server.databaseUrl);
  await requireUsableOnBoth(operator);

  await open('books');
  await page.getByText('The books are in order.').waitFor();
  await requireUsableOnBoth(operator);
  await open('approvals');
  await page.getByText('There is none of this kind.').waitFor();
  await requireUsableOnBoth(operator);

  await open('audit');
  await page.getByRole('button', { name: 'Check the log' }).click();
  await page.getByText(/In order: \d+ shown records/).waitFor();
  await page.getByRole('button', { name: 'Check the log' }).click();
  await page.getByText(/The \d+ records that this browser has seen before are unchanged/).waitFor();
  await page.evaluate(
    "for (const key of Object.keys(localStorage)) if (key.startsWith('yggdrasil-audit-')) localStorage[key] = localStorage[key].replace(/\"root\":\"../, '\"root\":\"zz'.replace('zz', localStorage[key].includes('\"root\":\"00') ? '11' : '00'))",
  );
  await page.getByRole('button', { name: 'Check the log' }).click();
  await page.getByText('its past was changed').waitFor();
  await operator.leaveWithoutComplaint();
});
