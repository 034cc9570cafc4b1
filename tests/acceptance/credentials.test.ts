import mqtt, { type MqttClient } from 'mqtt';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  ComputeDelta,
  ComputeRequest,
  Delivery,
  decodePayload,
  Event,
  encodePayload,
  FrameType,
  RatatoskrType,
} from '../../proto/index.ts';
import { CLEAR_FEATURE, RESUMPTION_FEATURE } from '../../proto/ratatoskr/index.ts';
import { BifrostSocket } from '../support/bifrost-socket.ts';
import { ProviderSocket } from '../support/provider-socket.ts';
import { openRawSession } from '../support/ratatoskr.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import {
  createDevice,
  createHousehold,
  createWorld,
  type DeviceCredentials,
  topUp,
  type World,
} from '../support/world.ts';

const UNKNOWN_ID = '00000000-0000-4000-8000-00000000dead';
const TOKENS = '/api/v1/users/me/tokens';

interface NewToken {
  readonly token: { readonly id: string; readonly name: string };
  readonly secret: string;
}

let server: TestServer;
let world: World;
beforeAll(async () => {
  server = await startTestServer();
  world = await createWorld(server);
});
afterAll(() => server.stop());

const ask = async (token: string, method: string, path: string, body?: unknown) => {
  const answer = await server.request(method, path, { token, body });
  const { error } = answer.body as { error?: { code: string } };
  return `${answer.status} ${error?.code ?? 'done'}`;
};
const newUser = async (): Promise<string> =>
  (await server.post<{ token: string }>('/api/v1/users', { name: 'Somebody' }, world.adminToken)).token;
const newToken = (token: string, name = 'Laptop') => server.post<NewToken>(TOKENS, { name }, token);
const revoke = (token: string, id: string) => ask(token, 'DELETE', `${TOKENS}/${id}`);
const listOf = async (token: string) =>
  (await server.get<{ items: Record<string, unknown>[] }>(TOKENS, token)).items;

describe('the tokens of a user', () => {
  it('are listed without their secrets, and each lets in until it is revoked', async () => {
    const first = await newUser();
    const { token, secret } = await newToken(first);
    const list = await listOf(secret);
    expect(list).toEqual([
      expect.objectContaining({ kind: 'personal', name: 'First token', inUse: false }),
      { ...token, inUse: true, lastUsedAt: expect.any(String) },
    ]);
    expect(JSON.stringify(list)).not.toMatch(/ygu_/);
    expect(await ask(secret, 'GET', '/api/v1/networks')).toBe('200 done');
    expect(await revoke(first, token.id.toUpperCase())).toBe('200 done');
    expect(await ask(secret, 'GET', '/api/v1/networks')).toBe('401 unauthenticated');
    expect(await ask(secret, 'POST', TOKENS, { name: 'Back again' })).toBe('401 unauthenticated');
    expect(await revoke(first, token.id)).toBe('404 token_not_found');
    expect(await listOf(first)).toHaveLength(1);
  });

  it('come by pages', async () => {
    const user = await newUser();
    for (const name of ['b', 'c', 'd', 'e']) await newToken(user, name);
    const names: string[] = [];
    let after = '';
    do {
      const page = await server.get<{ items: { name: string }[]; next: string | null }>(
        `${TOKENS}?limit=2${after}`,
        user,
      );
      names.push(...page.items.map(({ name }) => name));
      after = page.next === null ? '' : `&after=${page.next}`;
    } while (after !== '');
    expect(names).toEqual(['First token', 'b', 'c', 'd', 'e']);
  });

  it('may be revoked by themselves, but for the last one', async () => {
    const first = await newUser();
    const { token, secret } = await newToken(first);
    expect(await revoke(secret, token.id)).toBe('200 done');
    expect(await ask(secret, 'GET', TOKENS)).toBe('401 unauthenticated');
    const [last] = await listOf(first);
    expect(await revoke(first, String(last?.id))).toBe('409 last_token');
    expect(await ask(first, 'GET', TOKENS)).toBe('200 done');
  });

  it('can not revoke each other at the same time: one stays', async () => {
    const first = await newUser();
    const { token, secret } = await newToken(first);
    const [{ id } = {}] = await listOf(first);
    const answers = await Promise.all([revoke(first, token.id), revoke(secret, String(id))]);
    expect(answers.filter((answer) => answer === '200 done')).toHaveLength(1);
    const alive = await Promise.all([first, secret].map((each) => ask(each, 'GET', TOKENS)));
    expect(alive.sort()).toEqual(['200 done', '401 unauthenticated']);
  });

  it('of the last operator can not all be revoked', async () => {
    const [{ id } = {}] = await listOf(world.adminToken);
    expect(await revoke(world.adminToken, String(id))).toBe('409 last_token');
    expect(await ask(world.adminToken, 'GET', '/api/v1/users')).toBe('200 done');
  });

  it('are a hundred at most, however many are asked for at once', async () => {
    const user = await newUser();
    const answers = await Promise.all(
      Array.from({ length: 104 }, async (_, index) => ask(user, 'POST', TOKENS, { name: `${index}` })),
    );
    expect(answers.filter((answer) => answer === '201 done').length).toBeLessThan(100);
    while ((await ask(user, 'POST', TOKENS, { name: 'one more' })) === '201 done');
    expect(await ask(user, 'POST', TOKENS, { name: 'too many' })).toBe('409 limit_reached');
    const { items } = await server.get<{ items: unknown[] }>(`${TOKENS}?limit=200`, user);
    expect(items).toHaveLength(100);
  });

  it('of others are answered as those that do not exist, byte for byte', async () => {
    const { alice, bob } = world;
    const [own] = await listOf(bob.token);
    const bytes = async (id: string) => {
      const { status, headers, body } = await server.request('DELETE', `${TOKENS}/${id}`, {
        token: alice.token,
      });
      const requestId = headers.get('x-request-id') ?? '';
      return `${status} ${JSON.stringify(body).replaceAll(requestId, 'request')}`;
    };
    const foreign = await bytes(String(own?.id));
    expect(foreign).toBe(await bytes(UNKNOWN_ID));
    expect(foreign).toMatch(/^404 .*token_not_found/);
    expect(await ask(bob.token, 'GET', TOKENS)).toBe('200 done');
  });
});

describe('a completion that is being streamed', () => {
  it('is cut when the token is revoked that it was asked with, and goes on when another is', async () => {
    const { alice } = world;
    await topUp(world, alice.userId, 1_000);
    const carol = await createHousehold(server, world.adminToken);
    const provider = await ProviderSocket.open(server, carol.device);
    const models = [{ name: 'slow', priceCents: '100', contextTokens: 4_096 }];
    await provider.offer(models, 2);
    const other = await newToken(alice.token, 'Other');
    const used = await newToken(alice.token, 'Used');
    const asking = fetch(`${server.httpUrl}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${used.secret}`, 'content-type': 'application/json' },
      body: JSON.stringify({
        model: 'slow',
        stream: true,
        max_tokens: 20,
        messages: [{ role: 'user', content: 'Hello?' }],
      }),
    });
    // Twice: the first request waits for the tokenizer to start.
    const request = await provider
      .next(RatatoskrType.COMPUTE_REQUEST)
      .catch(() => provider.next(RatatoskrType.COMPUTE_REQUEST));
    const { requestId } = decodePayload(ComputeRequest, request.payload);
    const say = (index: number, content: string) =>
      provider.send(
        RatatoskrType.COMPUTE_DELTA,
        encodePayload(ComputeDelta, {
          requestId,
          index,
          fields: new TextEncoder().encode(JSON.stringify({ content })),
        }),
      );
    say(0, 'first');
    const reader = (await asking).body?.getReader();
    if (reader === undefined) throw new Error('no answer');
    let heard = '';
    const hear = async (word: string) => {
      while (!heard.includes(word)) {
        const { done, value } = await reader.read();
        if (done) throw new Error(`the answer ended before ${word}: ${heard}`);
        heard += new TextDecoder().decode(value);
      }
    };
    await hear('first');
    expect(await revoke(alice.token, other.token.id)).toBe('200 done');
    say(1, 'second');
    await hear('second');
    expect(await revoke(alice.token, used.token.id)).toBe('200 done');
    await expect(hear('[DONE]')).rejects.toThrow();
    await provider.next(RatatoskrType.COMPUTE_CANCEL);
    provider.close();
  });
});

describe('a device whose token is rotated', () => {
  const overMqtt = (device: DeviceCredentials): Promise<MqttClient> =>
    mqtt.connectAsync(server.mqttUrl, {
      username: device.deviceId,
      password: device.token,
      reconnectPeriod: 0,
    });
  const gone = (client: MqttClient) => new Promise<void>((resolve) => client.once('close', () => resolve()));

  it('is cut off on WebSocket and MQTT, its old token is refused on both, and the new one is taken', async () => {
    const { alice } = world;
    const device = await createDevice(server, alice.token, alice.network.id, 'Rotated');
    const neighbour = await BifrostSocket.open(server, alice.device);
    const socket = await BifrostSocket.open(server, device);
    const client = await overMqtt(device);
    const closed = gone(client);
    const rotated = await server.post<{ token: string }>(
      `/api/v1/devices/${device.deviceId}/token`,
      undefined,
      alice.token,
    );
    expect([await socket.closed(), socket.closeReason]).toEqual([4401, 'unauthenticated']);
    await closed;
    const late = await BifrostSocket.connect(server, device);
    expect([await late.closed(), late.closeReason]).toEqual([4401, 'unauthenticated']);
    await expect(overMqtt(device)).rejects.toThrow(/Not authorized|Bad username/i);
    expect(await ask(device.token, 'GET', '/api/v1/marketplace/providers')).toBe('401 unauthenticated');

    const renewed = { ...device, token: rotated.token };
    const again = await BifrostSocket.open(server, renewed);
    again.send({ delivery: Delivery.STORED }, encodePayload(Event, { name: 'back' }));
    await again.next(FrameType.ACK);
    const back = await overMqtt(renewed);
    await back.endAsync(true);
    again.close();
    neighbour.send({ type: FrameType.PING });
    await neighbour.next(FrameType.PONG);
    neighbour.close();
  });

  it('goes on with its old token and key until it shows the new ones, and is cut off then with the old ones alone', async () => {
    const { alice } = world;
    const device = await createDevice(server, alice.token, alice.network.id, 'Overlapping');
    const [socket, client] = [await BifrostSocket.open(server, device), await overMqtt(device)];
    const rotate = (query: string) =>
      server.post<{ token: string; signingKey: string | null; previousUntil: string | null }>(
        `/api/v1/devices/${device.deviceId}/token${query}`,
        undefined,
        alice.token,
      );
    const lost = await rotate('?overlapSeconds=3600&signingKey=true');
    expect(lost.previousUntil).toMatch(/Z$/);
    const sends = async (open: BifrostSocket) => {
      open.send({ delivery: Delivery.STORED }, encodePayload(Event, { name: 'still here' }));
      await open.next(FrameType.ACK);
    };
    await sends(socket);
    const beside = await BifrostSocket.open(server, device);
    await sends(beside);

    const renewed = { ...device, token: lost.token, signingKey: lost.signingKey ?? '' };
    expect(renewed.signingKey).not.toBe(device.signingKey);
    const closed = gone(client);
    const again = await BifrostSocket.open(server, renewed);
    expect([await beside.closed(), beside.closeReason]).toEqual([4401, 'unauthenticated']);
    await closed;
    await sends(again);
    expect(await ask(device.token, 'GET', '/api/v1/marketplace/providers')).toBe('401 unauthenticated');

    const [second, third] = [await rotate('?overlapSeconds=60'), await rotate('?overlapSeconds=60')];
    expect([await again.closed(), again.closeReason]).toEqual([4401, 'unauthenticated']);
    const answers = [lost, second, third].map(({ token }) =>
      ask(token, 'GET', '/api/v1/marketplace/providers'),
    );
    expect(await Promise.all(answers)).toEqual(['401 unauthenticated', expect.any(String), '200 done']);
    expect(second.signingKey).toBeNull();
    expect(
      await ask(alice.token, 'POST', `/api/v1/devices/${device.deviceId}/token?overlapSeconds=604801`),
    ).toBe('400 invalid_input');
  });

  it('keeps one token of two rotations at once, and the other is worth nothing', async () => {
    const { alice } = world;
    const device = await createDevice(server, alice.token, alice.network.id, 'Rotated twice');
    const rotate = () =>
      server.post<{ token: string }>(`/api/v1/devices/${device.deviceId}/token`, undefined, alice.token);
    const tokens = (await Promise.all([rotate(), rotate()])).map(({ token }) => token);
    const answers = await Promise.all(
      [device.token, ...tokens].map((each) => ask(each, 'GET', '/api/v1/marketplace/providers')),
    );
    expect(answers.sort()).toEqual(['200 done', '401 unauthenticated', '401 unauthenticated']);
  });

  it('is rotated by who manages it, and by nobody else', async () => {
    const { alice, bob } = world;
    const path = `/api/v1/devices/${alice.device.deviceId}/token`;
    expect(await ask(bob.token, 'POST', path)).toBe('404 device_not_found');
    expect(await ask(alice.device.token, 'POST', path)).toBe('403 forbidden');
    expect(await ask(alice.device.token, 'GET', '/api/v1/marketplace/providers')).toBe('200 done');
  });
});

describe('a session of Ratatoskr', () => {
  it('is encrypted though its client declines that, where the operator has allowed nothing else', async () => {
    const { features, ticket } = await openRawSession(
      server,
      world.alice.token,
      undefined,
      CLEAR_FEATURE | RESUMPTION_FEATURE,
    );
    expect([features, ticket?.length]).toEqual([RESUMPTION_FEATURE, 32]);
  });
});
