import { describe, expect, it } from 'vitest';
import { createMqttConnector } from '../../device/virtual/mqtt-connector.ts';
import { VirtualDevice } from '../../device/virtual/virtual-device.ts';
import { RELEASE_PART_BYTES } from '../../server/domains/releases/index.ts';
import { createSystemClock } from '../../server/platform/system/clock.ts';
import { createSystemRandom } from '../../server/platform/system/random.ts';
import { createDeviceCore } from '../support/core.ts';
import { forger, makeRelease, publisherKey, putPart, signedBody, upload } from '../support/releases.ts';
import { type ConnectDevice, describeRollouts, image } from '../support/rollout-acts.ts';
import { MemoryFlash } from '../support/update-rig.ts';
import { createDevice } from '../support/world.ts';

const connectVirtual: ConnectDevice = async (server, credentials) => {
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
      random: createSystemRandom(),
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
  const running = device.run();
  await whenConnected;
  return {
    async stop() {
      await device.stop();
      await running;
    },
  };
};

const world = describeRollouts('virtual devices', connectVirtual);

describe('a rollout', () => {
  it('waits for a device that is offline, can be paused and resumed, and ends when it is cancelled', async () => {
    const { server, alice } = world();
    const { token } = alice;
    const offline = await createDevice(server, token, alice.network.id, 'Offline');
    const { items } = await server.get<{ items: { id: string }[] }>('/api/v1/releases', token);
    const releaseId = items[0]?.id;
    const order = { releaseId, filter: { deviceIds: [offline.deviceId] } };
    const { id } = await server.post<{ id: string }>('/api/v1/rollouts', order, token);
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
  const create = (body: unknown) => {
    const { server, alice } = world();
    return server.request('POST', '/api/v1/releases', { body, token: alice.token });
  };

  it.each([
    [403, 'release_signature_wrong', signedBody(makeRelease('x', { name: 'bad' }, forger))],
    [400, 'release_manifest_malformed', { ...signedBody(makeRelease('x')), manifest: 'A'.repeat(128) }],
  ] as const)('is refused with %i %s', async (status, code, body) => {
    expect(await create(body)).toMatchObject({ status, body: { error: { code } } });
  });

  it('of one network’s key goes to no other, and the key stays while it has signed something', async () => {
    const { server, bob } = world();
    const garden = await server.post<{ id: string }>('/api/v1/networks', { name: 'Garden' }, bob.token);
    const key = await server.post<{ id: string }>(
      '/api/v1/release-keys',
      { name: 'Garden', publicKey: Buffer.from(publisherKey).toString('base64url'), networkId: garden.id },
      bob.token,
    );
    const releaseId = await upload(server, bob.token, makeRelease('for the garden'));
    const filter = { networkId: bob.network.id };
    expect(
      await server.request('POST', '/api/v1/rollouts', {
        body: { releaseId, filter },
        token: bob.token,
      }),
    ).toMatchObject({ status: 400, body: { error: { code: 'invalid_input' } } });
    expect(
      await server.request('DELETE', `/api/v1/release-keys/${key.id}`, { token: bob.token }),
    ).toMatchObject({ status: 409, body: { error: { code: 'release_in_use' } } });
  });

  it('takes its parts in order, goes on where it stopped, and drops content of another hash', async () => {
    const { server, alice } = world();
    const { token } = alice;
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
