import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createReleaseApi } from '../../device/releases/api.ts';
import { createMqttConnector } from '../../device/virtual/mqtt-connector.ts';
import { VirtualDevice } from '../../device/virtual/virtual-device.ts';
import { RELEASE_PART_BYTES } from '../../server/domains/releases/index.ts';
import { createSystemClock } from '../../server/platform/system/clock.ts';
import { createDeviceCore } from '../support/core.ts';
import { createSeededRandom } from '../support/random.ts';
import {
  allowPublisher,
  forger,
  makeRelease,
  publisherKey,
  putPart,
  signedBody,
  upload,
} from '../support/releases.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { MemoryFlash } from '../support/update-rig.ts';
import { createDevice, createWorld, type DeviceCredentials, type World } from '../support/world.ts';

interface ShownRollout {
  readonly id: string;
  readonly state: string;
  readonly endedAt: string | null;
  readonly counts: Readonly<Record<string, number>>;
}

let server: TestServer;
let world: World;
let token: string;
const devices: { readonly credentials: DeviceCredentials; readonly device: VirtualDevice }[] = [];
const running: Promise<void>[] = [];

/** A device of Alice's, connected; an image that begins with "broken" doesn't start. */
async function connect(name: string): Promise<void> {
  const credentials = await createDevice(server, token, world.alice.network.id, name);
  let connected: () => void = () => {};
  const whenConnected = new Promise<void>((resolve) => {
    connected = resolve;
  });
  const device = new VirtualDevice(
    { credentials, intervalMs: 600_000, readingsMax: Number.POSITIVE_INFINITY },
    {
      core: createDeviceCore(),
      connect: createMqttConnector(server.mqttUrl, credentials),
      clock: createSystemClock(),
      random: createSeededRandom(devices.length),
      memory: { load: () => null, save: () => {} },
      updates: {
        flash: new MemoryFlash(1_048_576),
        ownerKey: publisherKey,
        starts: (_manifest, content) =>
          !new TextDecoder().decode(content.subarray(0, 6)).startsWith('broken'),
      },
      report: ({ kind }) => kind === 'connected' && connected(),
    },
  );
  devices.push({ credentials, device });
  running.push(device.run());
  await whenConnected;
}

beforeAll(async () => {
  server = await startTestServer();
  world = await createWorld(server);
  token = world.alice.token;
  await allowPublisher(server, token);
  await Promise.all(['A', 'B', 'C'].map((name) => connect(name)));
});
afterAll(async () => {
  await Promise.all(devices.map(({ device }) => device.stop()));
  await Promise.all(running);
  await server.stop();
});

const ids = () => devices.map(({ credentials }) => credentials.deviceId);
const image = (seed: number, bytes: number) =>
  Uint8Array.from({ length: bytes }, (_, i) => (i * seed + (i >> 8)) & 0xff);

/** Rolls a release out and follows it to its end; every state it was seen in, the last one last. */
async function rollOut(releaseId: string, changes: Record<string, unknown> = {}): Promise<ShownRollout[]> {
  const order = { releaseId, filter: { deviceIds: ids() }, ...changes };
  const { id } = await server.post<ShownRollout>('/api/v1/rollouts', order, token);
  const seen: ShownRollout[] = [];
  const api = createReleaseApi({ server: server.httpUrl, token });
  for await (const progress of api.follow<ShownRollout>(`rollouts/${id}/live`)) {
    seen.push(progress);
    if (progress.endedAt !== null) break;
  }
  return seen;
}
const countsOf = (rollout: ShownRollout | undefined) =>
  Object.fromEntries(Object.entries(rollout?.counts ?? {}).filter(([, count]) => count > 0));
const devicesOf = async (rollout: ShownRollout | undefined) =>
  (
    await server.get<{ items: { state: string; error: string | null; byteCount: number }[] }>(
      `/api/v1/rollouts/${rollout?.id}/devices`,
      token,
    )
  ).items;
const firmware = async () => {
  const shown = await Promise.all(
    ids().map((id) => server.get<{ capabilities: { firmware: string } }>(`/api/v1/devices/${id}`, token)),
  );
  return shown.map(({ capabilities }) => capabilities.firmware);
};

describe('a rollout', () => {
  it('brings a release to every device, which checks, starts and confirms it', async () => {
    const release = makeRelease(image(3, RELEASE_PART_BYTES + 5_000));
    const seen = await rollOut(await upload(server, token, release));
    expect(seen.at(-1)).toMatchObject({ state: 'completed', counts: { updated: 3, queued: 0 } });
    expect(seen.length).toBeGreaterThan(2);
    expect(await firmware()).toEqual(['lamp 1', 'lamp 1', 'lamp 1']);
    const bytes = (await devicesOf(seen.at(-1))).map(({ byteCount }) => byteCount);
    expect(bytes).toEqual(Array.from({ length: 3 }, () => release.content.length));
  });

  it('is aborted where a device comes back with the version before, and no other gets it', async () => {
    const broken = await upload(server, token, makeRelease('broken image', { version: 2 }));
    const pace = { atOnceMax: 1, failedAfter: 1, failedPercentMax: 0 };
    const last = (await rollOut(broken, pace)).at(-1);
    expect([last?.state, countsOf(last)]).toEqual(['aborted', { rolled_back: 1, cancelled: 2 }]);
    expect(await firmware()).toEqual(['lamp 1', 'lamp 1', 'lamp 1']);
  });

  it('of an older release takes the flag, and says why it was refused without it', async () => {
    const older = await upload(server, token, makeRelease('older', { name: 'lamp-older' }));
    const newer = await upload(server, token, makeRelease('newer', { version: 5 }));
    expect((await rollOut(newer)).at(-1)?.state).toBe('completed');
    const refused = (await rollOut(older, { failedAfter: 3 })).at(-1);
    expect([refused?.state, countsOf(refused)]).toEqual(['aborted', { refused: 3 }]);
    expect((await devicesOf(refused)).map(({ error }) => error)).toEqual(Array(3).fill('update_version_old'));
    expect((await rollOut(older, { allowOlder: true })).at(-1)?.state).toBe('completed');
    expect(await firmware()).toEqual(Array(3).fill('lamp-older 1'));
  });

  it('waits for a device that is offline, can be paused and resumed, and ends when it is cancelled', async () => {
    const offline = await createDevice(server, token, world.alice.network.id, 'Offline');
    const { items } = await server.get<{ items: { id: string }[] }>('/api/v1/releases', token);
    const releaseId = items[0]?.id;
    const order = { releaseId, filter: { deviceIds: [offline.deviceId] } };
    const { id } = await server.post<ShownRollout>('/api/v1/rollouts', order, token);
    const change = async (verb: string, expected: number) =>
      (await server.request('POST', `/api/v1/rollouts/${id}/${verb}`, { token, expect: expected })).body;
    expect(await change('pause', 200)).toMatchObject({ state: 'paused', counts: { queued: 1 } });
    expect(await change('pause', 409)).toMatchObject({ error: { code: 'rollout_state_wrong' } });
    expect(await change('resume', 200)).toMatchObject({ state: 'running', counts: { queued: 1 } });
    const remove = (expected: number) =>
      server.request('DELETE', `/api/v1/releases/${releaseId}`, { token, expect: expected });
    expect((await remove(409)).body).toMatchObject({ error: { code: 'release_in_use' } });
    expect(await change('cancel', 200)).toMatchObject({ state: 'cancelled', counts: { cancelled: 1 } });
    expect(await change('resume', 409)).toMatchObject({ error: { code: 'rollout_state_wrong' } });
    await remove(200);
    await server.request('GET', `/api/v1/rollouts/${id}`, { token, expect: 404 });
  });
});

describe('a release', () => {
  const create = (body: unknown) => server.request('POST', '/api/v1/releases', { body, token });

  it.each([
    [403, 'release_signature_wrong', signedBody(makeRelease('x', { name: 'bad' }, forger))],
    [400, 'release_manifest_malformed', { ...signedBody(makeRelease('x')), manifest: 'A'.repeat(128) }],
  ] as const)('is refused with %i %s', async (status, code, body) => {
    expect(await create(body)).toMatchObject({ status, body: { error: { code } } });
  });

  it('of one network’s key goes to no other, and the key stays while it has signed something', async () => {
    const garden = await server.post<{ id: string }>('/api/v1/networks', { name: 'Garden' }, world.bob.token);
    const key = await server.post<{ id: string }>(
      '/api/v1/release-keys',
      { name: 'Garden', publicKey: Buffer.from(publisherKey).toString('base64url'), networkId: garden.id },
      world.bob.token,
    );
    const releaseId = await upload(server, world.bob.token, makeRelease('for the garden'));
    const filter = { networkId: world.bob.network.id };
    expect(
      await server.request('POST', '/api/v1/rollouts', {
        body: { releaseId, filter },
        token: world.bob.token,
      }),
    ).toMatchObject({ status: 400, body: { error: { code: 'invalid_input' } } });
    expect(
      await server.request('DELETE', `/api/v1/release-keys/${key.id}`, { token: world.bob.token }),
    ).toMatchObject({ status: 409, body: { error: { code: 'release_in_use' } } });
  });

  it('takes its parts in order, goes on where it stopped, and drops content of another hash', async () => {
    const release = makeRelease(image(11, RELEASE_PART_BYTES + 10), { name: 'parts' });
    const { id } = await server.post<{ id: string }>('/api/v1/releases', signedBody(release), token);
    expect(await create(signedBody(release))).toMatchObject({
      status: 409,
      body: { error: { code: 'release_exists' } },
    });
    const part = (index: number, data: Uint8Array) => putPart(server, token, { releaseId: id, index, data });
    const [first, second] = [
      release.content.subarray(0, RELEASE_PART_BYTES),
      release.content.subarray(RELEASE_PART_BYTES),
    ];
    const wrong = { status: 409, body: { error: { code: 'release_part_wrong' } } };
    expect(await part(1, second)).toMatchObject(wrong);
    expect(await part(0, second)).toMatchObject(wrong);
    expect(await part(0, first)).toMatchObject({ status: 200, body: { receivedBytes: RELEASE_PART_BYTES } });
    expect(await part(0, first)).toMatchObject({ status: 200, body: { receivedBytes: RELEASE_PART_BYTES } });
    const order = { releaseId: id, filter: {} };
    expect(await server.request('POST', '/api/v1/rollouts', { body: order, token })).toMatchObject({
      status: 409,
      body: { error: { code: 'release_incomplete' } },
    });
    expect(
      await part(
        1,
        second.map((byte) => byte ^ 1),
      ),
    ).toMatchObject({
      status: 422,
      body: { error: { code: 'release_hash_wrong' } },
    });
    expect(await server.get(`/api/v1/releases/${id}`, token)).toMatchObject({
      receivedBytes: 0,
      completedAt: null,
    });
    await part(0, first);
    expect((await part(1, second)).body.completedAt).not.toBeNull();
    const response = await fetch(`${server.httpUrl}/api/v1/releases/${id}/parts/1`, {
      headers: { authorization: `Bearer ${token}` },
    });
    expect(Buffer.from(await response.arrayBuffer())).toEqual(Buffer.from(second));
  });
});
