import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { ActionFailure, type BifrostClient, createBifrostClient } from '../../device/client/index.ts';
import { openNodeSocket } from '../../device/node/websocket.ts';
import { createDeviceCore } from '../support/core.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import {
  createDevice,
  createHousehold,
  createWorld,
  type DeviceCredentials,
  type World,
} from '../support/world.ts';

let server: TestServer;
let world: World;
beforeAll(async () => {
  server = await startTestServer();
  world = await createWorld(server);
});
afterAll(() => server.stop());

function clientOf(credentials: DeviceCredentials): BifrostClient {
  const client = createBifrostClient(
    { url: `${server.webSocketUrl}/bifrost`, credentials },
    { core: createDeviceCore(), openSocket: openNodeSocket },
  );
  onTestFinished(() => client.close());
  return client;
}

describe('several devices that are asked as one', () => {
  /** Three devices: the first does it at once, the second when it is cancelled or never, the third fails. */
  async function three() {
    const { device, token, network } = await createHousehold(server, world.adminToken);
    const other = await createDevice(server, token, network.id, 'Second device');
    const third = await createDevice(server, token, network.id, 'Third device');
    const asker = await createDevice(server, token, network.id, 'Asking device');
    const begun: string[] = [];
    const parts = [device, other, third].map((credentials) => clientOf(credentials));
    const [quick, slow, broken] = parts as [BifrostClient, BifrostClient, BifrostClient];
    quick.onAction('lock', () => {
      begun.push('quick');
      return { by: 'quick' };
    });
    slow.onAction('lock', async ({ signal }) => {
      begun.push('slow');
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      return {};
    });
    broken.onAction('lock', () => {
      begun.push('broken');
      throw new ActionFailure('command_failed', 'It is stuck.');
    });
    const asking = clientOf(asker);
    await Promise.all([...parts, asking].map((client) => client.connect()));
    return { asking, begun, ids: [device.deviceId, other.deviceId, third.deviceId], token };
  }
  const outcomes = (results: ReadonlyMap<string, { outcome: string }>) =>
    [...results.values()].map(({ outcome }) => outcome);

  it('are done with as many as are needed, cancel the others, and do nothing twice under the same id', async () => {
    const { asking, begun, ids } = await three();
    const any = asking.actTogether(ids, 'lock', {}, { need: 'any' });
    const { outcome, results } = await any.result;
    expect(outcome).toBe('done');
    expect(results.get(ids[0] as string)).toMatchObject({ outcome: 'done', values: { by: 'quick' } });
    expect(results.get(ids[1] as string)).toMatchObject({ outcome: 'cancelled' });
    const before = begun.length;
    const again = await asking.actTogether(ids, 'lock', {}, { need: 'any', id: any.id }).result;
    expect(outcomes(again.results)).toEqual(outcomes(results));
    expect(begun).toHaveLength(before);
  });

  it('fail once too few can do it, say what each did, and can be cancelled together', async () => {
    const { asking, ids } = await three();
    const all = await asking.actTogether(ids, 'lock').result;
    expect(all.outcome).toBe('failed');
    expect(all.results.get(ids[1] as string)).toMatchObject({ outcome: 'cancelled' });
    const unknown = '00000000-0000-4000-8000-00000000dead';
    const two = asking.actTogether([ids[0], ids[1], unknown] as string[], 'lock', {}, { need: 2 });
    expect((await two.runs.get(ids[0] as string)?.result)?.outcome).toBe('done');
    two.cancel();
    const cancelled = await two.result;
    expect(cancelled.outcome).toBe('cancelled');
    expect(outcomes(cancelled.results)).toEqual(['done', 'cancelled', 'rejected']);
    for (const wrong of [{ need: 4 }, { need: 0 }, { need: 1.5 }])
      expect(() => asking.actTogether(ids, 'lock', {}, wrong)).toThrow('can be needed');
    expect(() => asking.actTogether([...ids, ...ids], 'lock')).toThrow('each once');
  });

  it('are asked from a terminal, with the outcome as exit code', async () => {
    const { ids, token } = await three();
    const run = async (need: string) => {
      const [first = '', ...also] = ids;
      const child = spawn(
        process.execPath,
        ['build/yggdrasil.js', 'act', first, 'lock', '--also', ...also, '--need', need, '--json'],
        { env: { ...process.env, YGGDRASIL_SERVER: server.httpUrl, YGGDRASIL_TOKEN: token } },
      );
      let output = '';
      child.stdout.on('data', (data: Buffer) => {
        output += data.toString();
      });
      const [code] = (await once(child, 'close')) as [number];
      const lines = output
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as Record<string, unknown>);
      const ends = ids.map(
        (id) => lines.find((line) => line.deviceId === id && line.event === 'end')?.status,
      );
      return { code, ends };
    };
    const any = await run('any');
    expect(any.code).toBe(0);
    expect(any.ends.slice(0, 2)).toEqual(['done', 'cancelled']);
    const all = await run('all');
    expect(all.code).toBe(1);
    // The first may have done it before the third fails, or not.
    expect(all.ends.slice(1)).toEqual(['cancelled', 'failed']);
  });

  it('cancel what is begun only after it was decided', async () => {
    const [first, late] = ['00000000-0000-4000-8000-00000000000a', '00000000-0000-4000-8000-00000000000b'];
    const begun = new Map<string, string>();
    const cancelled = { early: false, begun: false };
    // It takes the other one's request so slowly that its cancellation comes before it.
    const standIn = createServer(async (request, response) => {
      const path = new URL(request.url ?? '/', 'http://stand-in').pathname.split('/');
      const end = (status: number, type: string, text: string) =>
        response.writeHead(status, { 'content-type': type }).end(text);
      const [id = '', what] = path.slice(4);
      if (what === 'cancel') {
        if (begun.get(id) === late) cancelled.begun = true;
        else if (!begun.has(id)) cancelled.early = true;
        return end(begun.has(id) ? 200 : 404, 'application/json', '{}');
      }
      if (what === 'events') {
        if (begun.get(id) === late) await vi.waitFor(() => expect(cancelled.begun).toBe(true), 10_000);
        const status = begun.get(id) === first ? 'done' : 'cancelled';
        return end(200, 'text/event-stream', `id: 1\nevent: end\ndata: {"status":"${status}"}\n\n`);
      }
      const asked = (await json(request)) as { id: string };
      if (id === late) await vi.waitFor(() => expect(cancelled.early).toBe(true), 10_000);
      begun.set(asked.id, id);
      return end(201, 'application/json', JSON.stringify(asked));
    });
    standIn.listen(0, '127.0.0.1');
    await once(standIn, 'listening');
    onTestFinished(() => void standIn.close().closeAllConnections());
    const origin = `http://127.0.0.1:${(standIn.address() as AddressInfo).port}`;
    const child = spawn(
      process.execPath,
      ['build/yggdrasil.js', 'act', first, 'lock', '--also', late, '--need', 'any', '--json'],
      { env: { ...process.env, YGGDRASIL_SERVER: origin, YGGDRASIL_TOKEN: 'ygp_made-up' } },
    );
    onTestFinished(() => void child.kill('SIGKILL'));
    let output = '';
    child.stdout.on('data', (data: Buffer) => {
      output += data.toString();
    });
    expect(await once(child, 'close')).toEqual([0, null]);
    expect(output).toContain('"status":"cancelled"');
    expect(cancelled).toEqual({ early: true, begun: true });
  });
});
