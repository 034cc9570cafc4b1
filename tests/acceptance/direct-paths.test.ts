import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import {
  type BifrostClient,
  createBifrostClient,
  type DirectLink,
  type DirectTransport,
} from '../../device/client/index.ts';
import { encodeEvent } from '../../device/client/messages.ts';
import { createTlsPaths } from '../../device/node/direct/tls-paths.ts';
import { openNodeSocket } from '../../device/node/websocket.ts';
import { DirectAnswer, encodePayload, FrameType, uuidToBytes } from '../../proto/index.ts';
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

/** A local network of this machine alone: addresses that the server is told are all its loopback. Links can be cut, in both directions. */
function localNetwork() {
  const links: DirectLink[] = [];
  let isCut = false;
  const cuttable = (link: DirectLink): DirectLink => {
    links.push(link);
    return {
      key: link.key,
      get waitingBytes() {
        return link.waitingBytes;
      },
      start: ({ frame, closed }) => link.start({ frame: (bytes) => isCut || frame(bytes), closed }),
      send: (bytes) => {
        if (!isCut) link.send(bytes);
      },
      close: () => link.close(),
    };
  };
  const transport = (): DirectTransport => {
    const tls = createTlsPaths({ ownAddresses: () => [{ address: '127.0.0.2', prefixBits: 8 }] });
    return {
      fingerprint: () => tls.fingerprint(),
      listen: async () => ({ ...(await tls.listen()), addresses: ['10.1.2.3'] }),
      expect: (fingerprint, arrived) => tls.expect(fingerprint, (link) => arrived(cuttable(link))),
      dial: async (place) => {
        if (isCut) throw new Error('cut');
        return cuttable(await tls.dial({ ...place, addresses: ['127.0.0.1'] }));
      },
      close: () => tls.close(),
    };
  };
  const cut = (whether: boolean) => {
    isCut = whether;
  };
  return { transport, links, cut };
}

function clientOf(
  credentials: DeviceCredentials,
  direct: DirectTransport,
  options: { readonly directUse?: 'all' | 'large' } = {},
): BifrostClient {
  const client = createBifrostClient(
    { url: `${server.webSocketUrl}/bifrost`, credentials, ...options },
    { core: createDeviceCore(), openSocket: openNodeSocket, direct },
  );
  onTestFinished(() => client.close());
  return client;
}

/** Two devices of one owner in a local network. */
async function home(options: { readonly directUse?: 'all' | 'large' } = {}) {
  const { device, token, network } = await createHousehold(server, world.adminToken);
  const other = await createDevice(server, token, network.id, 'Second device');
  const lan = localNetwork();
  const a = clientOf(device, lan.transport(), options);
  const b = clientOf(other, lan.transport(), options);
  await Promise.all([a.connect(), b.connect()]);
  const put = (path: string, body: unknown) =>
    server.request('PUT', `/api/v1/${path}`, { body, token, expect: 200 });
  const permit = (isDirect: boolean) => put(`networks/${network.id}/path-rule`, { isDirect });
  const heard: number[] = [];
  b.on('event', ({ value }) => heard.push(value as number));
  const say = (number: number, unit = '') => {
    const event = { name: 'count', value: number, unit, measuredAtMs: 0 };
    return a.sendTransient({
      type: FrameType.EVENT,
      payload: encodeEvent(event),
      destinationId: other.deviceId,
    });
  };
  const direct = () =>
    eventually('a direct path', async () => a.paths.status(other.deviceId).path === 'direct');
  const relayed = () => eventually('the relay', async () => a.paths.status(other.deviceId).path === 'relay');
  return { a, b, device, other, token, network, lan, put, permit, heard, say, direct, relayed };
}

const upTo = (count: number) => Array.from({ length: count }, (_, index) => index);

describe('a direct path', () => {
  it('is not there unless the owner permits it, and then carries what is not stored', async () => {
    const { a, other, device, network, token, permit, heard, say, direct, lan } = await home();
    a.paths.open(other.deviceId);
    await eventually('a refusal', async () => a.paths.status(other.deviceId).refusal !== null);
    expect(a.paths.status(other.deviceId).refusal?.code).toBe('direct_not_permitted');
    expect(lan.links).toEqual([]);
    await permit(true);
    a.paths.open(other.deviceId);
    await direct();
    for (const number of upTo(100)) expect(say(number)).toBe(true);
    await eventually('all', async () => heard.length === 100);
    expect(heard).toEqual(upTo(100));
    const { items: routes } = await server.get<{ items: Record<string, unknown>[] }>(
      `/api/v1/routes?networkId=${network.id}&from=${device.deviceId}`,
      token,
    );
    expect(routes).toMatchObject([{ path: 'direct', roundTripMs: expect.any(Number) }]);
    const { body: asked } = await server.request('POST', '/api/v1/connections', {
      body: { networkId: network.id, sourceId: device.deviceId, targetId: other.deviceId },
      token,
    });
    expect(asked).toMatchObject({ path: 'direct', roundTripMs: expect.any(Number) });
  });

  it('loses and doubles nothing, and changes no order, where it breaks and comes again', async () => {
    const { a, other, permit, heard, say, direct, relayed, lan } = await home();
    await permit(true);
    a.paths.open(other.deviceId);
    await direct();
    let number = 0;
    const count = async (until: () => Promise<unknown>) => {
      let isOver = false;
      const over = until().finally(() => {
        isOver = true;
      });
      while (!isOver) {
        if (say(number)) number++;
        await new Promise((resolve) => setImmediate(resolve));
      }
      await over;
    };
    await count(() => eventually('some', async () => heard.length > 50));
    lan.cut(true);
    await count(() => relayed());
    lan.cut(false);
    await count(() => direct());
    for (const link of lan.links) link.close();
    await count(() => relayed());
    await count(() => direct());
    await eventually('all', async () => heard.length >= number);
    expect(heard).toEqual(upTo(number));
  });

  it('ends at once where it is not permitted any more, for both', async () => {
    const { a, b, device, other, network, token, put, permit, heard, say, direct } = await home();
    await permit(true);
    const withdrawals = [
      [() => permit(false), () => permit(true)],
      [
        () => put(`devices/${other.deviceId}/path-rule`, { rule: 'relay' }),
        () => put(`devices/${other.deviceId}/path-rule`, { rule: 'network' }),
      ],
    ];
    const { body: connection } = await server.request('POST', '/api/v1/connections', {
      body: { networkId: network.id, sourceId: device.deviceId, targetId: other.deviceId },
      token,
    });
    withdrawals.push([
      () => put(`connections/${connection.id}/path-rule`, { isRelayed: true }),
      () => put(`connections/${connection.id}/path-rule`, { isRelayed: false }),
    ]);
    for (const [withdraw, permitAgain] of withdrawals as [() => Promise<unknown>, () => Promise<unknown>][]) {
      a.paths.open(other.deviceId);
      b.paths.open(device.deviceId);
      await direct();
      await withdraw();
      await eventually('both on the relay', async () => {
        const paths = [a.paths.status(other.deviceId), b.paths.status(device.deviceId)];
        return paths.every(({ path, quality }) => path === 'relay' && quality === null);
      });
      await permitAgain();
    }
    a.paths.open(other.deviceId);
    await direct();
    await server.request('DELETE', `/api/v1/connections/${connection.id}`, { token, expect: 200 });
    await eventually('no path', async () => a.paths.status(other.deviceId).quality === null);
    expect(say(1)).toBe(true);
    expect(heard).toEqual([]);
  });

  it('of large frames leaves the small ones to the relay', async () => {
    const { a, other, permit, heard, say, direct, lan } = await home({ directUse: 'large' });
    await permit(true);
    a.paths.open(other.deviceId);
    await direct();
    lan.cut(true);
    say(1);
    await eventually('the small one', async () => heard.includes(1));
    expect(a.paths.status(other.deviceId).path).toBe('direct');
    say(2, 'x'.repeat(5_000));
    await eventually('the large one, over the relay in the end', async () => heard.includes(2));
    expect(heard).toEqual([1, 2]);
  });

  it('is permitted by nobody but the owners', async () => {
    const { a, device, network, permit } = await home();
    const guest = await createHousehold(server, world.adminToken);
    await permit(true);
    expect(a.state).toBe('open');
    const asked = await server.request('PUT', `/api/v1/devices/${device.deviceId}/path-rule`, {
      body: { rule: 'direct' },
      token: guest.token,
    });
    expect(asked).toMatchObject({ status: 404, body: { error: { code: 'device_not_found' } } });
    const rule = await server.request('PUT', `/api/v1/networks/${network.id}/path-rule`, {
      body: { isDirect: false },
      token: guest.token,
    });
    expect(rule).toMatchObject({ status: 404, body: { error: { code: 'network_not_found' } } });
  });

  it('is not followed to addresses that are not private, and not taken from who has another key', async () => {
    const { a, b, other, device, permit } = await home();
    await permit(true);
    // The other device answers by hand.
    const answers: Promise<unknown>[] = [];
    const wrong = ['8.8.8.8', '127.0.0.1', '::1', 'server.example', '0.0.0.0'];
    const answerWith = (pathId: Uint8Array, addresses: readonly string[], port = 5_000) =>
      b.request({
        type: FrameType.DIRECT_ANSWER,
        payload: encodePayload(DirectAnswer, {
          pathId,
          fingerprint: new Uint8Array(32),
          addresses: [...addresses],
          port,
        }),
      });
    for (const address of wrong) answers.push(answerWith(uuidToBytes(device.deviceId), [address]));
    answers.push(answerWith(uuidToBytes(device.deviceId), ['192.168.1.1'], 22));
    for (const outcome of await Promise.allSettled(answers))
      expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'direct_address_wrong' } });
    expect(a.paths.status(other.deviceId).path).toBe('relay');

    const listener = createTlsPaths({ ownAddresses: () => [{ address: '127.0.0.1', prefixBits: 8 }] });
    const dialer = createTlsPaths({ ownAddresses: () => [{ address: '127.0.0.2', prefixBits: 8 }] });
    onTestFinished(() => {
      listener.close();
      dialer.close();
    });
    const { port, addresses } = await listener.listen();
    const claimed = { addresses, port, fingerprint: new Uint8Array(32) };
    await expect(dialer.dial(claimed)).rejects.toMatchObject({ code: 'direct_peer_wrong' });
    const fingerprint = await listener.fingerprint();
    // It isn't expected there: the other end hangs up, and hears nothing.
    const unexpected = await dialer.dial({ addresses, port, fingerprint });
    await new Promise<void>((resolve) => unexpected.start({ frame: () => undefined, closed: resolve }));
    await expect(dialer.dial({ addresses: ['10.9.8.7'], port, fingerprint })).rejects.toMatchObject({
      code: 'direct_address_wrong',
    });
    const expected = dialer
      .fingerprint()
      .then((key) => new Promise<DirectLink>((resolve) => listener.expect(key, resolve)));
    await dialer.fingerprint();
    const link = await dialer.dial({ addresses, port, fingerprint });
    expect((await expected).key).toEqual(link.key);
  });
});
