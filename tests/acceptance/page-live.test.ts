import type { Browser, WebSocketRoute } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { BifrostSocket } from '../support/bifrost-socket.ts';
import { launchChromium } from '../support/chromium.ts';
import { signInWithToken, visit } from '../support/page-visitor.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { createDevice, createHousehold, createWorld, type Household, type World } from '../support/world.ts';

const NOT_LIVE = 'Live updates are interrupted. What you see may be old.';

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

test('all that is live comes over one WebSocket, and of a list only what is seen is followed', async () => {
  const { token, network, device } = await createHousehold(server, world.adminToken);
  for (let number = 1; number <= 80; number++)
    await createDevice(server, token, network.id, `Lamp ${String(number).padStart(2, '0')}`);
  const ann = await visit(browser, server.httpUrl, 'desktop');
  const { page } = ann;
  const followed: { follow?: number; operation?: string; query?: { ids?: string }; stop?: number }[] = [];
  let sockets = 0;
  page.on('websocket', (socket) => {
    sockets++;
    socket.on('framesent', ({ payload }) => followed.push(JSON.parse(String(payload))));
  });
  const streams: string[] = [];
  page.on('request', (request) => {
    if (request.headers().accept?.includes('event-stream')) streams.push(request.url());
  });
  const idsFollowed = () =>
    followed.findLast(({ query }) => query?.ids !== undefined)?.query?.ids?.split(',') ?? [];
  await signInWithToken(ann, token);
  await ann.goTo('#/devices');
  await page.getByText('Lamp 01').waitFor();
  await expect.poll(() => idsFollowed().length).toBeGreaterThan(5);
  const first = idsFollowed();
  expect(first).toContain(device.deviceId);
  expect(first.length).toBeLessThan(40);

  const socket = await BifrostSocket.open(server, device);
  await page
    .getByRole('link', { name: /First device/ })
    .getByText('Online')
    .waitFor();
  socket.close();
  await page
    .getByRole('link', { name: /First device/ })
    .getByText('Offline')
    .waitFor();

  await page.evaluate("document.querySelector('.scroller').scrollTo(0, 1e6)");
  await page.getByText('Lamp 80').waitFor();
  await expect.poll(() => idsFollowed().filter((id) => first.includes(id))).toEqual([]);
  const asked = followed.filter(({ operation }) => operation === 'devices.follow');
  const stopped = followed.filter(({ stop }) => stop !== undefined);
  expect(asked.length - stopped.length).toBe(1);

  await page.getByText('Lamp 80').click();
  await page.getByRole('heading', { level: 1, name: 'Lamp 80' }).waitFor();
  await expect.poll(() => followed.at(-1)?.operation).toBe('devices.readings.follow');
  await ann.goTo(`#/networks/${network.id}/map`);
  await expect.poll(() => followed.at(-1)?.operation).toBe('networks.topology.follow');
  expect([sockets, streams]).toEqual([1, []]);
  await ann.leaveWithoutComplaint();
});

test.each<[string, () => string, (alice: Household) => string[]]>([
  [
    'an owner',
    () => world.alice.token,
    ({ network, device }) => ['#/devices', `#/devices/${device.deviceId}`, `#/networks/${network.id}/map`],
  ],
  ['an operator', () => world.adminToken, () => ['#/administration/logs']],
])(
  'whatever %s follows says so where it is not live, and is live again by itself',
  async (_, tokenOf, hashes) => {
    const token = tokenOf();
    const visitor = await visit(browser, server.httpUrl, 'phone');
    const { page } = visitor;
    let cut = false;
    let line: WebSocketRoute | null = null;
    await page.routeWebSocket(/\/api\/v1\/live$/, (socket) => {
      if (cut) return void socket.close();
      socket.connectToServer();
      line = socket;
    });
    const cutLine = async () => {
      cut = true;
      await line?.close();
    };
    const tryOut = async (hash: string) => {
      line = null;
      await visitor.goTo(hash);
      await page.reload();
      await expect.poll(() => line !== null, { timeout: 10_000 }).toBe(true);
      await cutLine();
      await page.getByText(NOT_LIVE).waitFor();
      cut = false;
      await page.getByText(NOT_LIVE).waitFor({ state: 'detached' });
    };
    await signInWithToken(visitor, token);
    for (const hash of hashes(world.alice)) await tryOut(hash);
    await visitor.leaveWithoutComplaint();
  },
);
