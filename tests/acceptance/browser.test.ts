import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { build } from 'esbuild';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import WebSocket from 'ws';
import { createBifrostClient, systemClock, systemRandom } from '../../device/client/index.ts';
import { openNodeSocket } from '../../device/node/websocket.ts';
import { createMqttConnector } from '../../device/virtual/mqtt-connector.ts';
import { VirtualDevice } from '../../device/virtual/virtual-device.ts';
import { launchChromium } from '../support/chromium.ts';
import { createDeviceCore } from '../support/core.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { createDevice, createWorld, type DeviceCredentials, type World } from '../support/world.ts';

/** Longer than any pause between two tries to connect. */
const PAUSE_MS = 300_000;
/** A busy machine needs seconds to start a page. */
const SHOWN_TIMEOUT_MS = 30_000;

let server: TestServer;
let world: World;
let site: Server;
let siteHost: string;
let browser: Browser;
let devices = 0;

beforeAll(async () => {
  server = await startTestServer();
  world = await createWorld(server);
  site = await serveExample();
  siteHost = `127.0.0.1:${(site.address() as AddressInfo).port}`;
  browser = await launchChromium();
});

afterAll(async () => {
  await browser?.close();
  site?.close();
  await server?.stop();
});

/** The page of the client's README, bundled for browsers, with the policy that the README names. */
async function serveExample(): Promise<Server> {
  const readme = readFileSync('device/client/README.md', 'utf8').split('## In a browser')[1] ?? '';
  const block = (language: string) =>
    new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``).exec(readme)?.[1] ?? '';
  const bundle = await build({
    stdin: { contents: block('ts'), loader: 'ts', resolveDir: 'device/client' },
    bundle: true,
    format: 'esm',
    write: false,
    logLevel: 'silent',
  });
  const files: Record<string, [type: string, content: string | Uint8Array]> = {
    '/page.html': ['text/html', `<!doctype html><title>Home</title>${block('html')}`],
    '/page.js': ['text/javascript', bundle.outputFiles[0]?.text ?? ''],
    '/favicon.ico': ['image/x-icon', ''],
    '/device.wasm': ['application/wasm', readFileSync('build/device.wasm')],
  };
  const policy = `default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self' ${server.webSocketUrl}`;
  const http = createServer((request, response) => {
    const [type, content] = files[request.url ?? ''] ?? ['text/plain', null];
    response.writeHead(content === null ? 404 : 200, {
      'content-type': type,
      'content-security-policy': policy,
    });
    response.end(content);
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  return http;
}

const newDevice = () =>
  createDevice(server, world.alice.token, world.alice.network.id, `Device ${++devices}`);

/** The example with its form sent, the WebSockets it opened, and what it complained about. Its clock is the test's. */
async function openExample(
  credentials: DeviceCredentials,
  url = `${server.webSocketUrl}/bifrost`,
): Promise<{ page: Page; sockets: string[]; complaints: string[] }> {
  const page = await browser.newPage();
  onTestFinished(() => page.close());
  const sockets: string[] = [];
  const complaints: string[] = [];
  page.on('websocket', (socket) => sockets.push(socket.url()));
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  await page.clock.install();
  await page.goto(`http://${siteHost}/page.html`);
  await page.fill('[name=url]', url);
  await page.fill('[name=credentials]', JSON.stringify(credentials));
  await page.click('form button');
  return { page, sockets, complaints };
}

/** Waits until the element's text is what the pattern says. */
const shows = (page: Page, selector: string, pattern: RegExp) =>
  expect.poll(() => page.textContent(selector), { timeout: SHOWN_TIMEOUT_MS }).toMatch(pattern);

/** A simulated ESP32 on MQTT that measures once. */
async function startVirtualDevice(): Promise<DeviceCredentials> {
  const credentials = await newDevice();
  const device = new VirtualDevice(
    { credentials, intervalMs: PAUSE_MS, readingsMax: Number.POSITIVE_INFINITY },
    {
      core: createDeviceCore(),
      connect: createMqttConnector(server.mqttUrl, credentials),
      clock: systemClock,
      random: systemRandom,
      memory: { load: () => null, save: () => undefined },
      report: () => undefined,
    },
  );
  const ended = device.run();
  onTestFinished(async () => {
    await device.stop();
    await ended;
  });
  return credentials;
}

test('a page of the network sees the reading of a device, and switches its LED on', async () => {
  const { page, sockets, complaints } = await openExample(await newDevice());
  await shows(page, '#connection', /^connected$/);

  const device = await startVirtualDevice();
  await shows(page, '#readings', /sensor\.temperature/);
  await page.fill('#lamp', device.deviceId);
  await page.click('#switch');
  await shows(page, '#answer', /^on: true$/);
  await shows(page, '#readings', /led\.state/);
  expect(await page.locator('#readings li').allTextContents()).toEqual([
    'sensor.temperature 20.5 celsius',
    'led.state true ',
  ]);

  await page.fill('#lamp', world.bob.device.deviceId);
  await page.click('#switch');
  await shows(page, '#answer', /^refused: frame_destination_unknown$/);
  expect(sockets).toEqual([`${server.webSocketUrl}/bifrost`]);
  expect(complaints).toEqual([]);
});

test('a page gets a frame that is longer than the memory of its core', async () => {
  const { page } = await openExample(await newDevice());
  await shows(page, '#connection', /^connected$/);
  const client = createBifrostClient(
    { url: `${server.webSocketUrl}/bifrost`, credentials: await newDevice() },
    { core: createDeviceCore(), openSocket: openNodeSocket },
  );
  onTestFinished(() => client.close());
  await client.connect();
  const text = 'It is warm. '.repeat(6_000);
  await client.publish({ name: 'note', value: text, unit: '' });
  await shows(page, '#readings', /note/);
  expect(await page.locator('#readings li').allTextContents()).toContain(`note ${text} `);
});

test.each([
  ['token', { token: 'ygd_wrong' }, 'unauthenticated'],
  ['signing key', { signingKey: 'A'.repeat(43) }, 'frame_signature_wrong'],
])('a page with a wrong %s learns why it is refused, and tries no second time', async (_, wrong, code) => {
  const { page, sockets, complaints } = await openExample({ ...(await newDevice()), ...wrong });
  await shows(page, '#connection', new RegExp(`^not connected, for good: ${code}$`));
  await page.clock.runFor(PAUSE_MS);
  await shows(page, '#connection', new RegExp(`^not connected, for good: ${code}$`));
  expect(sockets).toHaveLength(1);
  expect(complaints).toEqual([]);
});

test('a page that finds no server goes on trying', async () => {
  const { page, sockets } = await openExample(await newDevice(), `ws://${siteHost}/bifrost`);
  await shows(page, '#connection', /next try in/);
  const tries = async () => {
    await page.clock.runFor(PAUSE_MS);
    return sockets.length;
  };
  await expect.poll(tries, { timeout: SHOWN_TIMEOUT_MS }).toBeGreaterThanOrEqual(3);
});

test('a socket that a browser opened with a wrong token is closed before anything else happens on it', async () => {
  const socket = new WebSocket(`${server.webSocketUrl}/bifrost`, ['bifrost.v1', 'bearer.ygd_wrong']);
  const messages: unknown[] = [];
  socket.on('open', () => {
    socket.send(Buffer.from('no frame'));
    socket.send('not even binary');
  });
  socket.on('message', (message) => messages.push(message));
  const closed = await new Promise((resolve) =>
    socket.once('close', (code, reason) => resolve([code, `${reason}`])),
  );
  expect(closed).toEqual([4401, 'unauthenticated']);
  expect(messages).toEqual([]);
});
