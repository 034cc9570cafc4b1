import { connectAsync, type MqttClient } from 'mqtt';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { launchChromium } from '../support/chromium.ts';
import { signInWithToken, visit } from '../support/page-visitor.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { createWorld, type World } from '../support/world.ts';

let browser: Browser;
let server: TestServer;
let world: World;
let odin: MqttClient;
const heard: string[] = [];

/** A program of plain MQTT that answers everything that is said to it. */
async function attach(): Promise<MqttClient> {
  const { deviceId, token } = world.alice.device;
  const client = await connectAsync(server.mqttUrl, { username: deviceId, password: token });
  client.on('message', (_, payload) => {
    const {
      id,
      name,
      arguments: said,
    } = JSON.parse(String(payload)) as {
      id: string;
      name: string;
      arguments: { text: string };
    };
    heard.push(`${name} ${said.text}`);
    const answer = { id, values: { text: '<b>The lamp</b> is on.' } };
    client.publish(`devices/${deviceId}/results`, JSON.stringify(answer), { qos: 1 });
  });
  await client.subscribeAsync(`devices/${deviceId}/commands/#`, { qos: 1 });
  return client;
}

const canDo = (commands: readonly string[]) =>
  odin.publishAsync(
    `devices/${world.alice.device.deviceId}/capabilities`,
    JSON.stringify({ platform: 'p', firmware: '1', sensors: [], actuators: [], commands }),
    { qos: 1 },
  );

beforeAll(async () => {
  [browser, server] = await Promise.all([launchChromium(), startTestServer()]);
  world = await createWorld(server);
  odin = await attach();
});
afterAll(async () => {
  await odin?.endAsync(true);
  await browser?.close();
  await server?.stop();
});

test.each(['desktop', 'phone'] as const)('an Odin is spoken to, on a %s', async (screen) => {
  heard.length = 0;
  await canDo(['led.set']);
  const visitor = await visit(browser, server.httpUrl, screen);
  const { page } = visitor;
  await signInWithToken(visitor, world.alice.token);
  const view = `#/devices/${world.alice.device.deviceId}`;
  await visitor.goTo(view);
  await page.getByRole('region', { name: 'Commands' }).waitFor();
  const words = page.getByRole('textbox', { name: 'Say in words what you want' });
  expect(await words.count()).toBe(0);

  await canDo(['odin.ask']);
  await words.fill('switch on "the lamp" = now');
  await page.getByRole('button', { name: 'Say it' }).click();
  await page.getByText('text="<b>The lamp</b> is on."').waitFor();
  expect(heard).toEqual(['odin.ask switch on "the lamp" = now']);
  await expect.poll(() => words.inputValue()).toBe('');
  await visitor.requireUsable();
  await visitor.leaveWithoutComplaint();
});
