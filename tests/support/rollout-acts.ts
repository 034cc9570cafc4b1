import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { restApi } from '../../device/node/rest-api.ts';
import { RELEASE_PART_BYTES } from '../../server/domains/releases/index.ts';
import { allowPublisher, type MadeRelease, makeRelease, upload } from './releases.ts';
import { startTestServer, type TestServer } from './server.ts';
import { createDevice, createWorld, type DeviceCredentials, type World } from './world.ts';

interface ShownRollout {
  readonly id: string;
  readonly state: string;
  readonly endedAt: string | null;
  readonly counts: Readonly<Record<string, number>>;
}

/** A device that is connected, and takes the publisher's releases for `virtual`; an image that begins with "broken" doesn't start there. */
export type ConnectDevice = (
  server: TestServer,
  credentials: DeviceCredentials,
) => Promise<{ stop(): Promise<void> }>;

/** Any bytes. */
export const image = (seed: number, bytes: number): Uint8Array =>
  Uint8Array.from({ length: bytes }, (_, i) => (i * seed + (i >> 8)) & 0xff);

/** A server with devices. */
interface Scene {
  readonly server: TestServer;
  readonly world: World;
  readonly token: string;
  readonly devices: readonly { readonly id: string; stop(): Promise<void> }[];
}

async function createScene(connectDevice: ConnectDevice): Promise<Scene> {
  const server = await startTestServer();
  const world = await createWorld(server);
  const { token, network } = world.alice;
  await allowPublisher(server, token);
  const devices: { readonly id: string; stop(): Promise<void> }[] = [];
  for (const name of ['A', 'B', 'C']) {
    const credentials = await createDevice(server, token, network.id, name);
    const { stop } = await connectDevice(server, credentials);
    devices.push({ id: credentials.deviceId, stop });
  }
  return { server, world, token, devices };
}

/** Rolls a release out and follows it to its end; every state it was seen in, the last one last. */
async function rollOut(
  { server, token, devices }: Scene,
  release: MadeRelease | string,
  changes: Record<string, unknown> = {},
): Promise<ShownRollout[]> {
  const releaseId = typeof release === 'string' ? release : await upload(server, token, release);
  const order = { releaseId, filter: { deviceIds: devices.map(({ id }) => id) }, ...changes };
  const { id } = await server.post<ShownRollout>('/api/v1/rollouts', order, token);
  const seen: ShownRollout[] = [];
  const api = restApi({ server: server.httpUrl, token });
  for await (const { data: progress } of api.events<ShownRollout>(`/api/v1/rollouts/${id}/live`)) {
    seen.push(progress);
    if (progress.endedAt !== null) break;
  }
  return seen;
}

const countsOf = (rollout: ShownRollout | undefined) =>
  Object.fromEntries(Object.entries(rollout?.counts ?? {}).filter(([, count]) => count > 0));

async function devicesOf({ server, token }: Scene, rollout: ShownRollout | undefined) {
  const path = `/api/v1/rollouts/${rollout?.id}/devices`;
  return (await server.get<{ items: { error: string | null; byteCount: number }[] }>(path, token)).items;
}

/** What the devices say that they run. */
async function firmwareOf({ server, token, devices }: Scene): Promise<string[]> {
  const shown = await Promise.all(
    devices.map(({ id }) =>
      server.get<{ capabilities: { firmware: string } }>(`/api/v1/devices/${id}`, token),
    ),
  );
  return shown.map(({ capabilities }) => capabilities.firmware);
}

/** What a rollout does with devices of any kind, over the wire: three of them on a server of their own, which it gives. */
export function describeRollouts(kind: string, connectDevice: ConnectDevice): () => World {
  let scene: Scene;
  beforeAll(async () => {
    scene = await createScene(connectDevice);
  });
  afterAll(async () => {
    await Promise.all(scene.devices.map((device) => device.stop()));
    await scene.server.stop();
  });

  describe(`a rollout to ${kind}`, () => {
    it('brings a release to every device, which checks, starts and confirms it', async () => {
      const release = makeRelease(image(3, RELEASE_PART_BYTES + 1_000));
      const seen = await rollOut(scene, release);
      expect(seen.at(-1)).toMatchObject({ state: 'completed', counts: { updated: 3, queued: 0 } });
      expect(seen.length).toBeGreaterThan(2);
      expect(await firmwareOf(scene)).toEqual(Array(3).fill('lamp 1'));
      const bytes = (await devicesOf(scene, seen.at(-1))).map(({ byteCount }) => byteCount);
      expect(bytes).toEqual(Array(3).fill(release.content.length));
      const { items } = await scene.server.get<{
        items: { principal: string; operation: string; outcome: string; objects: string[] }[];
      }>('/api/v1/audit?limit=50', scene.token);
      const ends = items.filter(({ operation }) => operation === 'rollouts.end');
      expect(ends).toMatchObject([
        { principal: 'service:rollouts', outcome: 'completed', objects: [seen.at(-1)?.id] },
      ]);
    });

    it('is aborted where a device comes back with the version before, and no other gets it', async () => {
      const pace = { atOnceMax: 1, failedAfter: 1, failedPercentMax: 0 };
      const last = (await rollOut(scene, makeRelease('broken image', { version: 2 }), pace)).at(-1);
      expect([last?.state, countsOf(last)]).toEqual(['aborted', { rolled_back: 1, cancelled: 2 }]);
      expect(await firmwareOf(scene)).toEqual(Array(3).fill('lamp 1'));
    });

    it('of an older release takes the flag, and says why it was refused without it', async () => {
      const older = await upload(scene.server, scene.token, makeRelease('older', { name: 'lamp-older' }));
      expect((await rollOut(scene, makeRelease('newer', { version: 5 }))).at(-1)?.state).toBe('completed');
      const refused = (await rollOut(scene, older, { failedAfter: 3 })).at(-1);
      expect([refused?.state, countsOf(refused)]).toEqual(['aborted', { refused: 3 }]);
      const errors = (await devicesOf(scene, refused)).map(({ error }) => error);
      expect(errors).toEqual(Array(3).fill('update_version_old'));
      expect((await rollOut(scene, older, { allowOlder: true })).at(-1)?.state).toBe('completed');
      expect(await firmwareOf(scene)).toEqual(Array(3).fill('lamp-older 1'));
    });
  });
  return () => scene.world;
}
