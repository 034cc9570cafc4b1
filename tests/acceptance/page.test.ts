import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, test } from 'vitest';
import { requireDebianPackage } from '../support/apt.ts';
import { addAuthenticator, launchChromium } from '../support/chromium.ts';
import { type Screen, signInWithToken, visit } from '../support/page-visitor.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { createDevice, createWorld, type World } from '../support/world.ts';

let browser: Browser;
let server: TestServer;
let world: World;

beforeAll(async () => {
  await requireDebianPackage('mosquitto_pub', 'mosquitto-clients');
  [browser, server] = await Promise.all([launchChromium(), startTestServer()]);
  world = await createWorld(server);
});
afterAll(async () => {
  await browser?.close();
  await server?.stop();
});

const visitor = (screen: Screen = 'desktop', at: TestServer = server) => visit(browser, at.httpUrl, screen);

const run = promisify(execFile);

/** Publishes as a plain device does, with the program and the credentials that the page shows. */
const publish = (command: string, topic: string, message: string) =>
  run('sh', [
    '-c',
    `${command.replace('/readings/temperature', topic).replace(/-m .*$/, '-m "$1"')}`,
    'sh',
    message,
  ]);

describe('how the page is served', () => {
  const get = (path: string, headers: Record<string, string> = {}) =>
    fetch(server.httpUrl + path, { headers });

  it('to browsers at the address that the server prints, to nobody else', async () => {
    const page = await get('/', { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' });
    expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
    expect(page.headers.get('vary')?.split(', ')).toEqual(
      expect.arrayContaining(['accept', 'accept-encoding']),
    );
    expect((await get('/', { accept: 'text/html;q=0, */*' })).status).toBe(404);
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'; script-src 'self';");
    const asset = /src="(\/assets\/[^"]+\.js)"/.exec(await page.text())?.[1] ?? '';
    const script = await get(asset, { 'accept-encoding': 'br' });
    expect([script.status, script.headers.get('cache-control')]).toEqual([
      200,
      'public, max-age=31536000, immutable',
    ]);
    const etag = script.headers.get('etag') ?? '';
    expect((await get(asset, { 'accept-encoding': 'br', 'if-none-match': etag })).status).toBe(304);
    for (const path of ['/', '/assets/nothing.js', '/assets/..%2findex.html', '/index.html']) {
      const answer = await get(path, { accept: 'application/json' });
      expect([answer.status, await answer.json()]).toMatchObject([404, { error: { code: 'not_found' } }]);
    }
  });

  it('with what people and devices must know to get in', async () => {
    const { body } = await server.request('GET', '/api/v1/server');
    const { port } = new URL(server.mqttUrl);
    expect(body).toEqual({
      signUp: 'closed',
      passwords: 'off',
      sendsMail: false,
      mqtt: { port: Number(port), tls: false, reachable: false },
      ratatoskr: { path: '/ratatoskr', port: null, versions: [1], publicKeys: [expect.any(String)] },
    });
  });
});

describe.each<Screen>(['desktop', 'phone'])('from an empty server, on a %s', (screen) => {
  it('somebody sets it up, connects a device, sees it live, and switches it', async () => {
    const fresh = await startTestServer();
    onTestFinished(() => fresh.stop());
    const ada = await visitor(screen, fresh);
    const { page } = ada;
    await ada.goTo('#/setup?code=AAAA-AAAA');
    await page.getByLabel('Your name').fill('Ada');
    expect(page.url()).not.toContain('AAAA');
    await ada.requireUsable();
    await page.getByRole('button', { name: 'Make the account' }).click();
    await page.getByLabel('Set-up code').fill(fresh.setupCode);
    await page.getByRole('button', { name: 'Make the account' }).click();
    const codes = await page.getByRole('region', { name: 'Recovery codes' }).textContent();
    expect(codes?.split('\n')).toHaveLength(10);
    await page.getByRole('button', { name: 'I have kept them' }).click();

    await page.getByRole('button', { name: 'Make the network' }).click();
    await page.getByRole('link', { name: 'Connect a device' }).click();
    await page.getByLabel('Name of the device').fill('Greenhouse');
    await page.getByRole('button', { name: 'Register the device' }).click();
    await page.getByText('Waiting for Greenhouse').waitFor();
    const command = (await page.getByRole('region', { name: 'Publish a reading' }).textContent()) ?? '';
    await ada.requireUsable();
    await run('sh', ['-c', command]);
    await page.getByText('Greenhouse says temperature: 21.5').waitFor();

    await page.getByRole('link', { name: 'Open the device' }).click();
    await page.getByRole('img', { name: /1 points, from 21.5/ }).waitFor();
    await publish(command, '/readings/temperature', '{"value":23,"unit":"celsius"}');
    await page.getByText('23 °C').first().waitFor();
    publish(
      command,
      '/capabilities',
      '{"platform":"p","firmware":"1","sensors":[],"actuators":["led"],"commands":["led.set"]}',
    );
    await publish(command, '/state', '{"led":false,"level":40}');
    await publish(command, '/readings/oops', 'no json');
    await page.getByText('malformed_json').waitFor();
    await page.getByRole('switch', { name: 'led' }).click();
    await page.getByRole('button', { name: 'led.set on=true' }).click();
    expect(await page.getByLabel('Arguments').inputValue()).toBe('on=true');
    await page.getByRole('slider', { name: 'level' }).fill('70');
    await page.getByRole('slider', { name: 'level' }).dispatchEvent('change');
    await page.locator('output', { hasText: '70' }).waitFor();
    await ada.requireUsable();

    await page.reload();
    await page.getByRole('heading', { name: 'Greenhouse' }).waitFor();
    await ada.page.context().setOffline(true);
    await page.getByText('No connection to the server').waitFor();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('banner').getByText('The server does not answer').waitFor();
    await ada.page.context().setOffline(false);
    await page.getByText('No connection to the server').waitFor({ state: 'detached' });
    for (const [hash, shown] of [
      ['#/devices', 'Greenhouse'],
      ['#/networks', 'Home'],
      ['#/use', 'There is no key yet.'],
      ['#/account', '10 codes are left.'],
      ['#/administration', 'Free disk'],
      ['#/administration/logs', 'networks.create'],
      ['#/administration/audit', 'networks.create'],
    ] as const) {
      await ada.goTo(hash);
      await page.getByText(shown).first().waitFor();
      await ada.requireUsable();
    }
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('button', { name: 'Use a recovery code' }).click();
    await page.getByLabel('Recovery code').fill(codes?.split('\n')[0] ?? '');
    await page.getByRole('button', { name: 'Sign in', exact: true }).click();
    await page.getByRole('navigation', { name: 'Areas' }).waitFor();
    await ada.leaveWithoutComplaint();
  });
});

describe('a passkey', () => {
  it('is made in the page, signs in alone, is asked for besides, and proves that it is still them', async () => {
    const made = await server.post<{ token: string }>('/api/v1/users', { name: 'Lin' }, world.adminToken);
    const lin = await visit(browser, server.httpUrl.replace('127.0.0.1', 'localhost'), 'phone');
    const { page } = lin;
    await addAuthenticator(page);
    await signInWithToken(lin, made.token);
    await lin.goTo('#/account');
    await page.getByLabel('Name of a new passkey').fill('Phone');
    await page.getByRole('button', { name: 'Add a passkey' }).click();
    await page.getByText('Each signs you in without a code.').waitFor();
    await page.getByRole('button', { name: 'Sign out' }).click();

    await page.getByRole('button', { name: 'Sign in with a passkey' }).click();
    await page.getByRole('button', { name: 'Always ask for a passkey' }).click();
    await page.getByText('only together with a passkey').waitFor();
    await lin.requireUsable();
    await page.getByRole('button', { name: 'Sign out' }).click();

    // A token proves nothing: what a thief would do first is asked about.
    await signInWithToken(lin, made.token);
    await lin.goTo('#/account');
    await page.getByRole('button', { name: 'No longer ask for a passkey' }).click();
    await page.getByRole('heading', { name: 'Is it you?' }).waitFor();
    await lin.requireUsable();
    await page.getByRole('button', { name: 'Use your passkey' }).click();
    await page.getByText('sign you in without a passkey.').waitFor();
    await lin.leaveWithoutComplaint();
  });
});

describe('names and texts that somebody else has chosen', () => {
  it('are shown as text, and break nothing, on a phone', async () => {
    const { token, network } = world.alice;
    const names = ['<img src=x onerror=alert(1)>', 'مصباح "1" <b>', 'W'.repeat(100)];
    const devices = [];
    for (const name of names) devices.push(await createDevice(server, token, network.id, name));
    const [first] = devices;
    const { hostname, port } = new URL(server.mqttUrl);
    const reading = `mosquitto_pub -h ${hostname} -p ${port} -u ${first?.deviceId} -P ${first?.token} -q 1 -t devices/${first?.deviceId}/readings/temperature -m 1`;
    const long = `<b>${'x'.repeat(4_000)}</b>`;
    await publish(reading, '/readings/text', JSON.stringify(long));
    const alice = await visitor('phone');
    await signInWithToken(alice, token);
    await alice.goTo('#/devices');
    for (const name of names) await alice.page.getByText(name, { exact: true }).waitFor();
    await alice.requireUsable();
    for (const [index, name] of names.entries()) {
      await alice.goTo(`#/devices/${devices[index]?.deviceId}`);
      await alice.page.getByRole('heading', { level: 1, name }).waitFor();
      await alice.requireUsable();
    }
    await alice.goTo(`#/devices/${first?.deviceId}`);
    await alice.page.getByText(long).first().waitFor();
    await alice.requireUsable();
    await alice.leaveWithoutComplaint();
  });
});

test('a device that shows a code is claimed by it, and a wrong code says so', async () => {
  const { code } = await server.post<{ code: string }>('/api/v1/device-claims', { worldType: 'alfheim' });
  const alice = await visitor();
  const { page } = alice;
  await signInWithToken(alice, world.alice.token);
  await alice.goTo('#/connect');
  await page.getByRole('radio', { name: /It shows a code/ }).check();
  await page.getByLabel('Name of the device').fill('Display');
  await page.getByLabel('Code that the device shows').fill('0000-0000');
  await page.getByRole('button', { name: 'Claim the device' }).click();
  await page.getByText('No device shows this code now.').waitFor();
  await alice.goTo(`#/connect?code=${code.toLowerCase()}`);
  await page.reload();
  const link = page.getByRole('region', { name: 'Link that claims the device' });
  expect(await link.textContent()).toBe(`${server.httpUrl}/#/connect?code=${code.toLowerCase()}`);
  await page.getByRole('img', { name: 'QR code of the link' }).waitFor();
  await alice.requireUsable();
  await page.getByLabel('Name of the device').fill('Display');
  await page.getByRole('button', { name: 'Claim the device' }).click();
  await page.getByText('Waiting for Display').waitFor();
  await alice.leaveWithoutComplaint();
});

test('a household of 10,000 devices is listed, searched and scrolled with some dozen rows in the document', async () => {
  const alice = await visitor();
  const { page } = alice;
  await signInWithToken(alice, world.alice.token);
  const { items } = await server.get<{ items: { id: string; name: string }[] }>(
    '/api/v1/devices?limit=1',
    world.alice.token,
  );
  // As the server pages them; to register them all would take minutes.
  await page.route('**/api/v1/devices?*', (route) => {
    const from = Number(new URL(route.request().url()).searchParams.get('after') ?? 0);
    const devices = Array.from({ length: 200 }, (_, index) => {
      const number = String(from + index).padStart(12, '0');
      return { ...items[0], id: `00000000-0000-4000-8000-${number}`, name: `Sensor ${from + index}` };
    });
    return route.fulfill({ json: { items: devices, next: from + 200 < 10_000 ? String(from + 200) : null } });
  });
  await alice.goTo('#/devices');
  await page.getByText('10000 of 10000', { exact: true }).waitFor();
  const list = page.getByRole('list', { name: 'Devices' });
  await page.getByRole('link', { name: 'Sensor 3 ' }).waitFor();
  await list.hover();
  await page.mouse.wheel(0, 1_000_000);
  await page.getByRole('link', { name: 'Sensor 9999' }).waitFor();
  expect(await list.getByRole('listitem').count()).toBeLessThan(60);
  await page.getByRole('searchbox').fill('sensor 1234');
  await page.getByText('1 of 10000', { exact: true }).waitFor();
  await page.getByRole('link', { name: 'Sensor 1234' }).waitFor();
  await alice.leaveWithoutComplaint();
});

test('a network of 10,000 devices is drawn with its first ones, and all are in the list beside', async () => {
  const alice = await visitor('phone');
  const { page } = alice;
  await signInWithToken(alice, world.alice.token);
  await page.route('**/topology?*', (route) => {
    const from = Number(new URL(route.request().url()).searchParams.get('after') ?? 0);
    const devices = Array.from({ length: 200 }, (_, index) => ({
      id: `00000000-0000-4000-8000-${String(from + index).padStart(12, '0')}`,
      name: `Sensor ${from + index}`,
      worldType: 'jotunheim',
      guest: false,
      health: 'offline',
      links: [],
    }));
    return route.fulfill({ json: { items: devices, next: from + 200 < 10_000 ? String(from + 200) : null } });
  });
  await alice.goTo(`#/networks/${world.alice.network.id}/map`);
  const drawing = page.getByRole('group', { name: 'The network, drawn' });
  await page.getByText(/9,?904 more are in the list alone/).waitFor();
  expect(await drawing.locator('.device').count()).toBe(96);
  const list = page.getByRole('list', { name: 'Devices and how each is connected' });
  await list.hover();
  await page.mouse.wheel(0, 1_000_000);
  await page.getByRole('link', { name: /Sensor 9999 / }).waitFor();
  expect(await list.getByRole('listitem').count()).toBeLessThan(60);
  await alice.requireUsable();
  await alice.leaveWithoutComplaint();
});

test('a neighbour sees nothing, and learns not even that it is there', async () => {
  const secret = await createDevice(server, world.alice.token, world.alice.network.id, 'Only for Alice');
  const bob = await visitor();
  await signInWithToken(bob, world.bob.token);
  await bob.goTo('#/devices');
  await bob.page.getByText('First device').waitFor();
  for (const hash of [
    `#/devices/${secret.deviceId}`,
    `#/networks/${world.alice.network.id}`,
    `#/devices/${crypto.randomUUID()}`,
    '#/administration',
  ]) {
    await bob.goTo(hash);
    await bob.page
      .getByText(/You have no such|Devices/)
      .first()
      .waitFor();
    expect(await bob.page.textContent('body')).not.toContain('Only for Alice');
  }
  expect(await bob.page.getByRole('link', { name: 'Server' }).count()).toBe(0);
  await bob.page.getByRole('button', { name: 'Sign out' }).click();
  await bob.page.getByRole('heading', { name: 'Sign in' }).waitFor();
  await bob.page.reload();
  await bob.page.getByRole('heading', { name: 'Sign in' }).waitFor();
  await bob.leaveWithoutComplaint();
});
