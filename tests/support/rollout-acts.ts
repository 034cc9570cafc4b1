import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createReleaseApi } from '../../device/releases/api.ts';
import { RELEASE_PART_BYTES } from '../../server/domains/releases/index.ts';
import { allowPublisher, makeRelease, upload } from './releases.ts';
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

/** What a rollout does with devices of any kind, over the wire: three of them on a server of their own, which it gives. */
export function describeRollouts(kind: string, connectDevice: ConnectDevice): () => World {
  let server: TestServer;
  let world: World;
  let token: string;
  const devices: { readonly id: string; stop(): Promise<void> }[] = [];

  beforeAll(async () => {
    server = await startTestServer();
    world = await createWorld(server);
    token = world.alice.token;
    await allowPublisher(server, token);
    for (const name of ['A', 'B', 'C']) {
      const credentials = await createDevice(server, token, world.alice.network.id, name);
      const { stop } = await connectDevice(server, credentials);
      devices.push({ id: credentials.deviceId, stop });
    }
  });
  afterAll(async () => {
    await Promise.all(devices.map((device) => device.stop()));
    await server.stop();
  });

  const ids = () => devices.map(({ id }) => id);

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

  describe(`a rollout to ${kind}`, () => {
    it('brings a release to every device, which checks, starts and confirms it', async () => {
      const release = makeRelease(image(3, RELEASE_PART_BYTES + 1_000));
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
      expect((await devicesOf(refused)).map(({ error }) => error)).toEqual(
        Array(3).fill('update_version_old'),
      );
      expect((await rollOut(older, { allowOlder: true })).at(-1)?.state).toBe('completed');
      expect(await firmware()).toEqual(Array(3).fill('lamp-older 1'));
    });
  });
  return () => world;
}
