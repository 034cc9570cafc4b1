import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { systemClock, systemRandom } from '../../device/client/index.ts';
import { createMqttConnector } from '../../device/virtual/mqtt-connector.ts';
import { VirtualDevice } from '../../device/virtual/virtual-device.ts';
import { ConnectionAsk, encodePayload, FrameType, uuidToBytes } from '../../proto/index.ts';
import { BifrostSocket } from '../support/bifrost-socket.ts';
import { launchChromium } from '../support/chromium.ts';
import { createDeviceCore } from '../support/core.ts';
import { signInWithToken } from '../support/page-sign-in.ts';
import { type Screen, visit } from '../support/page-visitor.ts';
import { allowPublisher, makeRelease, publisherKey, upload } from '../support/releases.ts';
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
async function visitorOf(token: string, screen: Screen = 'desktop', locale = 'en-GB') {
  const visitor = await visit(browser, server.httpUrl, screen, locale);
  await signInWithToken(visitor, token);
  return visitor;
}

/** A simulated microcontroller that is connected until the test ends. */
async function connectVirtual(credentials: DeviceCredentials) {
  const device = new VirtualDevice(
    { credentials, intervalMs: 600_000, readingsMax: Number.POSITIVE_INFINITY },
    {
      core: createDeviceCore(),
      connect: createMqttConnector(server.mqttUrl, credentials),
      clock: systemClock,
      random: systemRandom,
      memory: { load: () => null, save: () => {} },
      updates: { flash: new MemoryFlash(1_048_576), ownerKey: publisherKey, starts: () => true },
      report: () => undefined,
    },
  );
  const ended = device.run();
  const stop = async () => {
    await device.stop();
    await ended;
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

test.each<Screen>(['desktop', 'phone'])(
  'a network is drawn, devices that ask are answered, and groups are made, on a %s',
  async (screen) => {
    const home = await createHousehold(server, world.adminToken);
    const { token, network, device } = home;
    const hub = await createDevice(server, token, network.id, 'مصباح <i>hub</i>');
    const guest = await addGuest(home, `Bob's <b>phone</b> ${screen}`);
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

    const visitor = await visitorOf(token, screen);
    const { page } = visitor;
    await visitor.goTo(`#/networks/${network.id}/map`);
    const list = page.getByRole('list', { name: 'Devices and how each is connected' });
    await list.getByText('MQTT, through the server').waitFor();
    await list.getByText('sends to 1').waitFor();
    const drawing = page.getByRole('group', { name: 'The network, drawn' });
    await drawing.locator('.connection.asked').waitFor();
    expect(await drawing.locator('.connection.allowed').count()).toBe(1);
    expect(await drawing.locator('.device.offline').count()).toBe(1);
    await visitor.requireUsable();
    await virtual.stop();
    await drawing.locator('.device.offline').nth(1).waitFor();

    await visitor.goTo('#/devices');
    await page.getByRole('link', { name: 'Devices wait for your answer: 1' }).click();
    const question = page.getByRole('region', { name: 'Waiting for an answer' });
    await question.getByText('“<i>the switch</i>”').waitFor();
    await question.getByText(`Bob's <b>phone</b> ${screen}`).waitFor();
    await visitor.requireUsable();
    await question.getByLabel('For how long').selectOption('for a day');
    await question.getByRole('button', { name: 'Allow' }).click();
    const decided = page.getByRole('region', { name: 'Decided' });
    await decided.getByText(/led\.set · until .* · by its owner/).waitFor();
    await visitor.goTo(`#/networks/${network.id}/connections`);
    const entry = decided.getByRole('listitem').filter({ hasText: 'led.set' });
    await entry.getByRole('button', { name: 'Withdraw' }).click();
    await entry.waitFor({ state: 'detached' });
    await page.getByRole('radio', { name: /Devices of different owners/ }).check();
    await visitor.requireUsable();

    await visitor.goTo(`#/networks/${network.id}/groups`);
    await page.getByLabel('Name of the group').fill('Lamps "<b>"');
    await page.getByRole('button', { name: 'Make the group' }).click();
    await page.getByLabel('Device', { exact: true }).fill('First device');
    await page.getByRole('button', { name: 'Add', exact: true }).click();
    await page.getByRole('link', { name: 'First device' }).waitFor();
    await page.getByRole('button', { name: /Lamps "<b>" 1 devices/ }).waitFor();
    await visitor.requireUsable();
    for (const [part, shown] of [
      ['people', 'Invite somebody'],
      ['settings', 'Announce devices'],
    ] as const) {
      await visitor.goTo(`#/networks/${network.id}/${part}`);
      await page.getByText(shown).first().waitFor();
      await visitor.requireUsable();
    }
    await visitor.leaveWithoutComplaint();
  },
);

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
  await visitor.requireUsable();
  await visitor.leaveWithoutComplaint();
});
