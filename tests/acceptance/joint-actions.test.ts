import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { ActionFailure, type BifrostClient, createBifrostClient } from '../../device/client/index.ts';
import { openNodeSocket } from '../../device/node/websocket.ts';
import { eventually } from '../integration/http/server-under-test.ts';
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

interface JointBody {
  readonly id: string;
  readonly outcome: string | null;
  readonly needed: number;
  readonly deadline: string;
  readonly results: readonly {
    readonly deviceId: string;
    readonly status: string;
    readonly error: { readonly code: string } | null;
    readonly action: {
      readonly id: string;
      readonly values: unknown;
      readonly timeoutSeconds: number;
      readonly deadline: string;
    } | null;
  }[];
}

/** A device that does it at once, one that does it until it is cancelled, one that fails, one that is away. */
async function home() {
  const { device: quick, token, network } = await createHousehold(server, world.adminToken);
  const slow = await createDevice(server, token, network.id, 'Slow device');
  const broken = await createDevice(server, token, network.id, 'Broken device');
  const away = await createDevice(server, token, network.id, 'Device that is away');
  const begun: string[] = [];
  const clientOf = (credentials: DeviceCredentials): BifrostClient => {
    const client = createBifrostClient(
      { url: `${server.webSocketUrl}/bifrost`, credentials },
      { core: createDeviceCore(), openSocket: openNodeSocket },
    );
    onTestFinished(() => client.close());
    return client;
  };
  const clients = [quick, slow, broken].map(clientOf) as [BifrostClient, BifrostClient, BifrostClient];
  clients[0].onAction('lock', () => {
    begun.push('quick');
    return { by: 'quick' };
  });
  clients[1].onAction('lock', async ({ signal }) => {
    begun.push('slow');
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
    return {};
  });
  clients[2].onAction('lock', () => {
    throw new ActionFailure('command_failed', 'It is stuck.');
  });
  await Promise.all(clients.map((client) => client.connect()));
  const path = `/api/v1/networks/${network.id}/actions`;
  const ask = async (devices: readonly DeviceCredentials[], more: Readonly<Record<string, unknown>> = {}) => {
    const deviceIds = devices.map(({ deviceId }) => deviceId);
    const answer = await server.request('POST', path, { body: { name: 'lock', deviceIds, ...more }, token });
    return { status: answer.status, body: answer.body as unknown as JointBody & { error: { code: string } } };
  };
  const get = (id: string) => server.get<JointBody>(`${path}/${id}`, token);
  const decided = (id: string) =>
    eventually('a decision', async () => {
      const joint = await get(id);
      const isOver = joint.results.every(({ status }) => !['queued', 'sent', 'begun'].includes(status));
      return joint.outcome !== null && isOver && joint;
    });
  const cancel = (id: string) => server.request('POST', `${path}/${id}/cancel`, { token });
  return { quick, slow, broken, away, begun, token, network, ask, get, decided, cancel };
}

const statuses = ({ results }: JointBody) => results.map(({ status }) => status);

describe('several devices that are asked as one over REST', () => {
  it('are done with any of them, and the others are cancelled, also one that is away', async () => {
    const { quick, slow, away, ask, decided, get } = await home();
    const { status, body } = await ask([slow, away, quick], { need: 'any' });
    expect(status).toBe(body.outcome === null ? 202 : 200);
    expect(body.needed).toBe(1);
    const joint = await decided(body.id);
    expect(joint.outcome).toBe('done');
    expect(statuses(joint)).toEqual(['cancelled', 'cancelled', 'done']);
    expect(joint.results[2]?.action?.values).toEqual({ by: 'quick' });
    expect(await get(body.id)).toEqual(joint);
  });

  it('fail once too few can do it, and say what each did', async () => {
    const { quick, slow, broken, ask, decided } = await home();
    const all = await decided((await ask([slow, broken])).body.id);
    expect(all).toMatchObject({ outcome: 'failed', needed: 2 });
    expect(statuses(all)).toEqual(['cancelled', 'failed']);
    expect(all.results[1]?.error?.code).toBe('command_failed');
    const quorum = await decided((await ask([quick, slow, broken], { need: 2, timeoutSeconds: 1 })).body.id);
    expect(quorum.outcome).toBe('failed');
    expect(statuses(quorum)).toEqual(['done', 'timed_out', 'failed']);
    // Their time is that of the whole, also of those who were asked after others.
    expect(quorum.results.map(({ action }) => action?.timeoutSeconds)).toEqual([1, 1, 1]);
    expect(new Set(quorum.results.map(({ action }) => action?.deadline))).toEqual(new Set([quorum.deadline]));
  });

  it('are asked once under one id, and another body for it is refused', async () => {
    const { quick, slow, begun, ask, decided } = await home();
    const id = '3f0c0b2e-6f0d-4a6c-9d0a-0d6e5a1b2c3d';
    await decided((await ask([quick], { id })).body.id);
    const again = await ask([quick], { id });
    expect(again).toMatchObject({ status: 200, body: { id, outcome: 'done' } });
    expect(begun).toEqual(['quick']);
    expect(await ask([quick, slow], { id })).toMatchObject({
      status: 409,
      body: { error: { code: 'action_id_taken' } },
    });
  });

  it('are cancelled together, and nothing is cancelled that is over', async () => {
    const { slow, away, ask, cancel, decided } = await home();
    const { body } = await ask([slow, away]);
    expect(await cancel(body.id)).toMatchObject({ status: 200, body: { outcome: 'cancelled' } });
    expect(statuses(await decided(body.id))).toEqual(['cancelled', 'cancelled']);
    expect(await cancel(body.id)).toMatchObject({ status: 409, body: { error: { code: 'action_over' } } });
  });

  it('that are not of the network, or leave it, have refused', async () => {
    const { quick, away, ask, decided, token } = await home();
    const stranger = (await createHousehold(server, world.adminToken)).device;
    const joint = await decided((await ask([stranger, quick], { need: 'any' })).body.id);
    expect(joint.outcome).toBe('done');
    expect(joint.results[0]).toMatchObject({
      status: 'refused',
      error: { code: 'device_not_found' },
      action: null,
    });
    const { body } = await ask([away]);
    await server.request('DELETE', `/api/v1/devices/${away.deviceId}`, { token, expect: 200 });
    const left = await decided(body.id);
    expect(left).toMatchObject({ outcome: 'failed' });
    expect(left.results[0]).toMatchObject({ status: 'refused', error: { code: 'device_not_found' } });
  });

  it('are at least one and at most a hundred, each once, of which as many can be needed', async () => {
    const { quick, slow, ask } = await home();
    for (const [devices, need] of [
      [[], 'all'],
      [[quick, quick], 'all'],
      [[quick, slow], 3],
      [[quick], 0],
    ] as const)
      expect(await ask(devices, { need })).toMatchObject({
        status: 400,
        body: { error: { code: 'invalid_input' } },
      });
  });
});
