import { connectAsync } from 'mqtt';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { launchChromium } from '../support/chromium.ts';
import { SCREENS, signInWithToken, type Visitor, visit } from '../support/page-visitor.ts';
import { walkViews } from '../support/page-walk.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { type Serving, serve } from '../support/serving.ts';
import { createDevice, createHousehold, createWorld, type Household, type World } from '../support/world.ts';

let browser: Browser;
let server: TestServer;
let world: World;
let serving: Serving | null = null;
beforeAll(async () => {
  [browser, server] = await Promise.all([launchChromium(), startTestServer()]);
  world = await createWorld(server);
});
afterAll(async () => {
  await serving?.stop();
  await browser?.close();
  await server?.stop();
});

const KINDS = [
  'account',
  'tenant',
  'network',
  'device',
  'group',
  'token',
  'key',
  'hardware',
  'note',
  'platform',
  'firmware',
  'sensor',
  'command',
  'reading',
  'text',
  'property',
  'value',
];
const MODEL = `meta/${'m'.repeat(120)}`;

/** HTML, from right to left, and as long as it may be. */
const named = (kind: string, charactersMax = 100) =>
  `<img src=x onerror=alert(1)> ${kind} مفتاح `.padEnd(charactersMax, 'W');

async function publishAsDevice({ device }: Household): Promise<void> {
  const { deviceId, token } = device;
  const client = await connectAsync(server.mqttUrl, { username: deviceId, password: token });
  const say = (topic: string, value: unknown) =>
    client.publishAsync(`devices/${deviceId}/${topic}`, JSON.stringify(value), { qos: 1 });
  await say('capabilities', {
    platform: named('platform', 60),
    firmware: named('firmware', 60),
    sensors: [named('sensor', 60)],
    actuators: [named('actuator', 60)],
    commands: [named('command', 60)],
  });
  await say('readings', { [named('reading', 60)]: named('text', 1_000) });
  await say('state', { [named('property', 60)]: named('value', 1_000) });
  await client.endAsync();
}

/** Names everything that the owner's part of the page shows. */
async function nameEverything(owner: Household): Promise<void> {
  const { device, network, token } = owner;
  const put = (path: string, body: object) =>
    server.request('PUT', `/api/v1/${path}`, { body, token, expect: 200 });
  const post = (path: string, body: object) => server.post(`/api/v1/${path}`, body, token);
  await put('users/me', { name: named('account') });
  await put(`networks/${network.id}`, { name: named('network') });
  await put(`devices/${device.deviceId}`, { name: named('device') });
  await post('tenants', { name: named('tenant') });
  await post(`networks/${network.id}/groups`, { name: named('group') });
  await post('users/me/tokens', { name: named('token') });
  await post('users/me/api-keys', { name: named('key') });
  await post('marketplace/providers/register', {
    deviceId: device.deviceId,
    models: [{ name: MODEL, prices: { prompt: '30', cachedPrompt: '3', completion: '120' } }],
    hardware: { name: named('hardware', 200) },
    slots: 1,
    dataPolicy: { retentionDays: 0, trainsOnData: false, note: named('note', 200) },
  });
  await publishAsDevice(owner);
}

/** What somebody reads on a view, or hears of it. */
const READ = `[...document.querySelectorAll('input, textarea, option')].map((field) => field.text || field.value).join('\\n') + '\\n' + document.body.innerText`;

async function walkThrough(visitor: Visitor, token: string): Promise<string> {
  const { page } = visitor;
  await signInWithToken(visitor, token);
  let read = '';
  await walkViews(visitor, 'en', async () => {
    for (const { viewport } of Object.values(SCREENS)) {
      await page.setViewportSize(viewport);
      await visitor.requireUsable();
    }
    read += await page.evaluate(READ);
  });
  await visitor.leaveWithoutComplaint();
  return read;
}

const shown = (text: string, kind: string) => text.includes(`onerror=alert(1)> ${kind} `);

test('names that somebody has chosen are shown as text wherever they are, and break nothing', async () => {
  const owner = await createHousehold(server, world.adminToken);
  await nameEverything(owner);
  serving = await serve(server, owner.device, MODEL);
  const text = await walkThrough(await visit(browser, server.httpUrl, 'desktop'), owner.token);
  expect(KINDS.filter((kind) => !shown(text, kind))).toEqual([]);
});

test('an operator sees them so, too', async () => {
  const other = await createHousehold(server, world.adminToken);
  await createDevice(server, other.token, other.network.id, named('device'));
  const { items } = await server.get<{ items: { id: string }[] }>('/api/v1/tenants', other.token);
  await server.request('PUT', `/api/v1/admin/suspensions/${items[0]?.id}`, {
    body: { reason: named('reason', 200) },
    token: world.adminToken,
    expect: 200,
  });
  const text = await walkThrough(await visit(browser, server.httpUrl, 'desktop'), world.adminToken);
  expect(shown(text, 'reason')).toBe(true);
});
