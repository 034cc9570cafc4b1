import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { createBifrostClient } from '../../device/client/index.ts';
import { openNodeSocket } from '../../device/node/websocket.ts';
import { launchChromium } from '../support/chromium.ts';
import { createDeviceCore } from '../support/core.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { createDevice, createWorld, type DeviceCredentials, type World } from '../support/world.ts';

const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
const tool = (name: string) => resolve('node_modules/.bin', name);

/** What the foreign project says with the package: a reading over Bifrost, then what it is called over Ratatoskr. */
const SAY = `import { connectRatatoskr, createBifrostClient, parseCredentials, type BifrostClient } from 'yggdrasil-client';

export async function say(server: string, text: string, token: string, value: number): Promise<string> {
  const credentials = parseCredentials(text);
  const client: BifrostClient = createBifrostClient({ url: \`\${server}/bifrost\`, credentials });
  await client.connect();
  await client.publish({ name: 'sensor.foreign', value, unit: 'celsius' });
  client.close();
  const session = connectRatatoskr({ url: \`\${server}/ratatoskr\`, credentials: { token } });
  const { items } = (await session.request('devices.list', { query: { limit: 1 } })) as { items: object[] };
  session.close();
  return String(items.length);
}
`;

let server: TestServer;
let world: World;
let folder: string;

beforeAll(async () => {
  server = await startTestServer();
  world = await createWorld(server);
  folder = mkdtempSync(join(tmpdir(), 'yggdrasil-foreign-'));
  execFileSync(process.execPath, ['--import', 'tsx', 'device/package/pack.ts'], { stdio: 'pipe' });
  const write = (name: string, content: string) => writeFileSync(join(folder, name), content);
  write('package.json', JSON.stringify({ name: 'foreign', private: true, type: 'module' }));
  write('say.ts', SAY);
  write(
    'index.html',
    '<!doctype html><title>Foreign</title><p id="said"></p><script type="module" src="/page.ts"></script>',
  );
  write(
    'page.ts',
    `import { say } from './say.js';
const { server, credentials, token } = JSON.parse(decodeURIComponent(location.hash.slice(1))) as Record<string, string>;
const said = document.getElementById('said') as HTMLElement;
say(server ?? '', credentials ?? '', token ?? '', 2).then((status) => (said.textContent = status), (error) => (said.textContent = String(error)));
`,
  );
  write(
    'tsconfig.json',
    JSON.stringify({
      compilerOptions: {
        strict: true,
        skipLibCheck: false,
        types: [],
        target: 'es2022',
        lib: ['es2023', 'dom'],
        module: 'nodenext',
        outDir: 'out',
      },
      files: ['say.ts', 'page.ts'],
    }),
  );
  const archive = resolve('build', `yggdrasil-client-${version}.tgz`);
  const install = ['install', '--prefer-offline', '--no-audit', '--no-fund', '--ignore-scripts', archive];
  execFileSync('npm', install, { cwd: folder, stdio: 'pipe' });
}, 240_000);
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await server.stop();
});

/** What a device of the same network hears. */
async function listen() {
  const { network, token } = world.alice;
  const credentials = await createDevice(server, token, network.id, `Ear ${Math.random()}`);
  const client = createBifrostClient(
    { url: `${server.webSocketUrl}/bifrost`, credentials },
    { core: createDeviceCore(), openSocket: openNodeSocket },
  );
  onTestFinished(() => client.close());
  const heard = new Promise<string>((resolveHeard) =>
    client.on('event', ({ name, value, unit }) => resolveHeard(`${name} ${value} ${unit}`)),
  );
  await client.connect();
  return { heard };
}

const mouth = (): Promise<DeviceCredentials> =>
  createDevice(server, world.alice.token, world.alice.network.id, `Mouth ${Math.random()}`);

it('a foreign project type-checks against the package, and speaks with a server from Node', async () => {
  execFileSync(tool('tsc'), ['-p', folder], { stdio: 'inherit' });
  const { heard } = await listen();
  const use = `import { say } from './out/say.js'; console.log(await say(...process.argv.slice(1, 4), 1));`;
  // Not awaited by blocking: the server is in this process.
  const { stdout: said } = await promisify(execFile)(
    process.execPath,
    ['--input-type=module', '-e', use, server.webSocketUrl, JSON.stringify(await mouth()), world.alice.token],
    { cwd: folder, encoding: 'utf8', timeout: 60_000 },
  );
  expect(said).toBe('1\n');
  expect(await heard).toBe('sensor.foreign 1 celsius');
});

it('builds it with Vite, and speaks with a server from a browser, under the policy that the package names', async () => {
  execFileSync(tool('vite'), ['build', '--logLevel', 'warn'], { cwd: folder, stdio: 'inherit' });
  const site = await serve(join(folder, 'dist'));
  onTestFinished(() => void site.close());
  const browser = await launchChromium();
  onTestFinished(() => browser.close());
  const { heard } = await listen();
  const page = await browser.newPage();
  const complaints: string[] = [];
  page.on('console', (message) => complaints.push(message.text()));
  const given = {
    server: server.webSocketUrl,
    credentials: JSON.stringify(await mouth()),
    token: world.alice.token,
  };
  const { port } = site.address() as AddressInfo;
  await page.goto(`http://127.0.0.1:${port}/#${encodeURIComponent(JSON.stringify(given))}`);
  await page.locator('#said').filter({ hasText: /./ }).waitFor({ timeout: 60_000 });
  expect([await page.textContent('#said'), complaints]).toEqual(['1', []]);
  expect(await heard).toBe('sensor.foreign 2 celsius');
});

/** The built page of the foreign project, under a strict policy. */
async function serve(root: string): Promise<Server> {
  const types: Record<string, string> = { html: 'text/html', js: 'text/javascript' };
  const policy = `default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self' ${server.webSocketUrl}`;
  const site = createServer(({ url = '/' }, response) => {
    const path = url === '/' ? '/index.html' : url;
    if (path === '/favicon.ico') {
      response.writeHead(204).end();
      return;
    }
    const type = types[path.split('.').at(-1) ?? ''] ?? 'text/plain';
    response.writeHead(200, { 'content-type': type, 'content-security-policy': policy });
    response.end(readFileSync(join(root, path)));
  });
  await new Promise<void>((listening) => site.listen(0, '127.0.0.1', listening));
  return site;
}
