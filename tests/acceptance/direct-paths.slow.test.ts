import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { DeviceNews, DeviceOrder } from '../support/lan/device.ts';
import { createLocalNetwork, type LocalNetwork } from '../support/lan/namespaces.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { createDevice, createHousehold, createWorld } from '../support/world.ts';

/** What a change of the network may take until a device says so. */
const CHANGE_MS = 20_000;
/** Within this time a path that is lost is left, and frames arrive over the relay. */
const FAIL_OVER_MS = 1_000;

let lan: LocalNetwork;
let server: TestServer;
beforeAll(async () => {
  lan = createLocalNetwork();
  server = await startTestServer({ YGGDRASIL_HOST: '0.0.0.0', YGGDRASIL_TLS: 'none' });
});
afterAll(async () => {
  await server?.stop();
  lan?.remove();
});

/** A device in a namespace, with the last that it said of each thing. */
function startDevice(namespace: string) {
  const child: ChildProcess = spawn(
    'ip',
    ['netns', 'exec', namespace, process.execPath, '--import', 'tsx', 'tests/support/lan/device.ts'],
    { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] },
  );
  onTestFinished(async () => {
    if (child.exitCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  });
  const said = new Map<string, DeviceNews & { readonly atMs: number }>();
  const waiting = new Set<() => void>();
  child.on('message', (news: DeviceNews) => {
    said.set(news.is, { ...news, atMs: performance.now() });
    for (const look of waiting) look();
  });
  return {
    order: (order: DeviceOrder) => child.send(order),
    /** What it says of this thing, once it is as wanted. */
    until<Is extends DeviceNews['is']>(is: Is, isWanted: (news: Extract<DeviceNews, { is: Is }>) => boolean) {
      type News = Extract<DeviceNews, { is: Is }> & { readonly atMs: number };
      return vi.waitFor(
        () => {
          const news = said.get(is) as News | undefined;
          expect(news !== undefined && isWanted(news), `${is}: ${JSON.stringify(news)}`).toBe(true);
          return news as News;
        },
        { timeout: CHANGE_MS, interval: 10 },
      );
    },
  };
}

describe('two devices of a local network', () => {
  it('use a direct path while it is there, and lose, double and reorder nothing while it goes and comes', async () => {
    const world = await createWorld(server);
    const { device, token, network } = await createHousehold(server, world.adminToken);
    const other = await createDevice(server, token, network.id, 'Second device');
    const put = (path: string, body: unknown) =>
      server.request('PUT', `/api/v1/${path}`, { body, token, expect: 200 });
    await put(`networks/${network.id}/path-rule`, { isDirect: true });
    const port = new URL(server.httpUrl).port;
    const sender = startDevice(lan.first);
    const receiver = startDevice(lan.second);
    const urlAt = (address: string) => `ws://${address}:${port}/bifrost`;
    sender.order({ do: 'connect', url: urlAt(lan.serverOfFirst), credentials: device });
    receiver.order({ do: 'connect', url: urlAt(lan.serverOfSecond), credentials: other });
    await Promise.all([sender.until('connected', () => true), receiver.until('connected', () => true)]);
    sender.order({ do: 'count', to: other.deviceId });
    const on = (path: string) => sender.until('path', (news) => news.path === path);
    /** More has arrived than was sent by now. */
    const arriving = async () => {
      const { sent } = await sender.until('path', () => true);
      return receiver.until('heard', ({ count }) => count > sent);
    };

    await on('direct');
    await arriving();
    const routes = await server.get<{ items: unknown[] }>(
      `/api/v1/routes?networkId=${network.id}&from=${device.deviceId}`,
      token,
    );
    expect(routes.items).toMatchObject([{ path: 'direct' }]);

    for (let round = 0; round < 3; round++) {
      const cutAtMs = performance.now();
      lan.cut();
      const { atMs } = await on('relay');
      // By the time at which the device said so: the machine is busy, and says it later than it was.
      process.stdout.write(
        `lost, and left after ${Math.round(atMs - cutAtMs)} ms (${FAIL_OVER_MS} wanted)\n`,
      );
      await arriving();
      lan.mend();
      await on('direct');
      await arriving();
    }

    // Permission withdrawn in mid-stream, and given again.
    await put(`devices/${other.deviceId}/path-rule`, { rule: 'relay' });
    await on('relay');
    await arriving();
    await put(`devices/${other.deviceId}/path-rule`, { rule: 'network' });
    await on('direct');
    await arriving();

    // A router between: the address that the other one says is of no network of this one, and isn't followed.
    lan.divide();
    await on('relay');
    await sender.until('path', ({ refusal }) => refusal === 'direct_address_wrong');
    await arriving();

    sender.order({ do: 'stop' });
    const { sent } = await sender.until('stopped', () => true);
    const heard = await receiver.until('heard', ({ count }) => count >= sent);
    expect(heard).toMatchObject({ count: sent, wrong: null });
  });
});
