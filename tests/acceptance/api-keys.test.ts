import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  ComputeDelta,
  ComputeRequest,
  decodePayload,
  encodePayload,
  RatatoskrType,
} from '../../proto/index.ts';
import { BifrostSocket } from '../support/bifrost-socket.ts';
import { ProviderSocket } from '../support/provider-socket.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { createDevice, createHousehold, createWorld, topUp, type World } from '../support/world.ts';

const KEYS = '/api/v1/users/me/api-keys';

interface NewKey {
  readonly key: { readonly id: string; readonly name: string };
  readonly secret: string;
}

let server: TestServer;
let world: World;
let provider: ProviderSocket;
beforeAll(async () => {
  server = await startTestServer();
  world = await createWorld(server);
  await topUp(world, world.alice.userId, 1_000);
  provider = await ProviderSocket.open(server, world.bob.device);
  const models = ['slow', 'other'].map((name) => ({ name, priceCents: '100', contextTokens: 4_096 }));
  await provider.offer(models, 10);
});
afterAll(async () => {
  provider.close();
  await server.stop();
});

const newKey = (limits: object = {}, token = world.alice.token) =>
  server.post<NewKey>(KEYS, { name: 'Program', ...limits }, token);

const ask = async (
  token: string,
  method: string,
  path: string,
  body?: unknown,
  headers?: Record<string, string>,
) => {
  const answer = await server.request(method, path, { token, body, headers });
  const { error } = answer.body as { error?: { code: string } };
  return `${answer.status} ${error?.code ?? 'done'}`;
};
const listOf = async (token = world.alice.token) =>
  (await server.get<{ items: Record<string, unknown>[] }>(`${KEYS}?limit=200`, token)).items;

const clientOf = (apiKey: string) => new OpenAI({ apiKey, baseURL: `${server.httpUrl}/v1`, maxRetries: 0 });
const chat = (apiKey: string, model = 'slow', maxTokens = 20) =>
  clientOf(apiKey).chat.completions.create({
    model,
    stream: true,
    max_tokens: maxTokens,
    messages: [{ role: 'user', content: 'Hello?' }],
  });

/** An answer that has begun and does not end by itself. */
async function runningAnswer(apiKey: string) {
  const asking = chat(apiKey);
  // Twice: the first request waits for the tokenizer to start.
  const request = await provider
    .next(RatatoskrType.COMPUTE_REQUEST)
    .catch(() => provider.next(RatatoskrType.COMPUTE_REQUEST));
  const { requestId } = decodePayload(ComputeRequest, request.payload);
  const fields = new TextEncoder().encode(JSON.stringify({ content: 'first' }));
  provider.send(RatatoskrType.COMPUTE_DELTA, encodePayload(ComputeDelta, { requestId, index: 0, fields }));
  const pieces = (await asking)[Symbol.asyncIterator]();
  await pieces.next();
  return {
    /** Milliseconds until it breaks off. */
    broken: async () => {
      const startedMs = performance.now();
      await expect(
        (async () => {
          while ((await pieces.next()).done !== true);
          throw new Error('ended');
        })(),
      ).rejects.not.toThrow('ended');
      return performance.now() - startedMs;
    },
  };
}

describe('an API key', () => {
  it('is what an OpenAI client takes, is shown once, and is listed without its secret', async () => {
    const euros = (value: string) => ({ value, currency: 'EUR' });
    const limits = {
      spendingLimit: euros('5'),
      spendingLimitPerDay: euros('1'),
      spendingLimitPerMonth: euros('2'),
    };
    const { key, secret } = await newKey(limits);
    expect(secret).toMatch(/^ygk_/);
    const models = await clientOf(secret).models.list();
    expect(models.data.map(({ id }) => id)).toEqual(['other', 'slow']);
    const found = (await listOf()).find(({ id }) => id === key.id);
    expect(found).toEqual({
      ...key,
      operations: ['openai.*', 'anthropic.*'],
      ...limits,
      spent: euros('0'),
      spentToday: euros('0'),
      spentThisMonth: euros('0'),
      lastUsedAt: expect.any(String),
    });
    expect(JSON.stringify(await listOf())).not.toMatch(/ygk_/);
    const tokens = await server.get<{ items: object[] }>(
      '/api/v1/users/me/tokens?limit=200',
      world.alice.token,
    );
    expect(tokens.items).toContainEqual(expect.objectContaining({ id: key.id, kind: 'api_key' }));
    expect(JSON.stringify(server.logs)).not.toContain(secret);
  });

  it('is refused what it is not for, whichever way it asks', async () => {
    const { secret } = await newKey({ operations: ['openai.models.list', 'ledger.*'] });
    expect(await ask(secret, 'GET', '/v1/models')).toBe('200 done');
    expect(await ask(secret, 'GET', '/api/v1/ledger/balance')).toBe('200 done');
    expect(await ask(secret, 'GET', '/v1/models/slow')).toBe('403 api_key_scope');
    expect(await ask(secret, 'POST', '/v1/chat/completions', {})).toBe('403 api_key_scope');
    expect(await ask(secret, 'GET', '/api/v1/networks')).toBe('403 api_key_scope');
    const late = await BifrostSocket.connect(server, { ...world.alice.device, token: secret });
    expect(await late.closed()).toBe(4401);
  });

  it('makes nothing that may more than itself, and invites nobody, though it is for everything', async () => {
    const { key, secret } = await newKey({ operations: ['*'] });
    expect(await ask(secret, 'GET', '/api/v1/networks')).toBe('200 done');
    for (const [method, path, body] of [
      ['POST', '/api/v1/users/me/tokens', { name: 'More' }],
      ['POST', KEYS, { name: 'More', operations: ['*'] }],
      ['DELETE', `${KEYS}/${key.id}`, undefined],
      ['PUT', '/api/v1/users/me', { name: 'Mallory' }],
      ['POST', '/api/v1/members', { userId: world.bob.userId, role: 'owner' }],
    ] as const) {
      expect(await ask(secret, method, path, body), path).toBe('403 forbidden');
    }
    const operators = await newKey({ operations: ['*'] }, world.adminToken);
    expect(await ask(operators.secret, 'GET', '/api/v1/users')).toBe('403 forbidden');
  });

  it('for single models sees and asks no other', async () => {
    const { secret } = await newKey({ models: ['slow'] });
    const models = await clientOf(secret).models.list();
    expect(models.data.map(({ id }) => id)).toEqual(['slow']);
    await expect(chat(secret, 'other')).rejects.toMatchObject({ status: 403, code: 'api_key_scope' });
    await expect(chat(secret, 'nothing')).rejects.toMatchObject({ status: 403, code: 'api_key_scope' });
    await expect(clientOf(secret).models.retrieve('other')).rejects.toMatchObject({ code: 'api_key_scope' });
  });

  it('for single devices reaches these alone, and nothing that names none', async () => {
    const { alice } = world;
    const lamp = await createDevice(server, alice.token, alice.network.id, 'Lamp');
    const { secret } = await newKey({ operations: ['*'], deviceIds: [lamp.deviceId.toUpperCase()] });
    const device = (id: string) => ask(secret, 'GET', `/api/v1/devices/${id}`);
    expect(await device(lamp.deviceId)).toBe('200 done');
    expect(await device(alice.device.deviceId)).toBe('403 api_key_scope');
    expect(await device('00000000-0000-4000-8000-00000000dead')).toBe('403 api_key_scope');
    expect(await device('x')).toBe('403 api_key_scope');
    expect(await ask(secret, 'GET', '/api/v1/devices')).toBe('403 api_key_scope');
    expect(await ask(secret, 'GET', '/api/v1/networks')).toBe('403 api_key_scope');
    expect(await ask(secret, 'GET', '/v1/models')).toBe('200 done');
  });

  it('acts in the tenant that it was made in, and in no other', async () => {
    const { alice, bob } = world;
    const carol = await createHousehold(server, world.adminToken);
    await server.post('/api/v1/members', { userId: carol.userId, role: 'member' }, alice.token);
    const [{ id: home } = { id: '' }] = (
      await server.get<{ items: { id: string }[] }>('/api/v1/tenants', alice.token)
    ).items;
    const inHome = { 'x-tenant-id': home };
    const made = await server.request('POST', KEYS, {
      token: carol.token,
      headers: inHome,
      body: { name: 'There', operations: ['*'] },
      expect: 201,
    });
    const { secret } = made.body as unknown as NewKey;
    const networks = (await server.get<{ items: { id: string }[] }>('/api/v1/networks', secret)).items;
    expect(networks.map(({ id }) => id)).toEqual([alice.network.id]);
    expect(await listOf(carol.token)).toEqual([]);
    const [{ id: own } = { id: '' }] = (
      await server.get<{ items: { id: string }[] }>('/api/v1/tenants', carol.token)
    ).items;
    const there = (tenant: string) =>
      ask(secret, 'GET', '/api/v1/networks', undefined, { 'x-tenant-id': tenant });
    expect(await there(home)).toBe('200 done');
    expect(await there(own)).toBe('404 tenant_not_found');
    expect(await there('00000000-0000-4000-8000-00000000dead')).toBe('404 tenant_not_found');
    await server.request('DELETE', `/api/v1/members/${carol.userId}`, { token: alice.token, expect: 200 });
    expect(await ask(secret, 'GET', '/api/v1/networks')).toBe('404 tenant_not_found');
    expect(await ask(bob.token, 'GET', KEYS)).toBe('200 done');
  });

  it('spends no more than it may: what could cost more is refused before anything is held', async () => {
    const { secret } = await newKey({ spendingLimit: { value: '0.01', currency: 'EUR' } });
    await expect(chat(secret)).rejects.toMatchObject({
      status: 402,
      code: 'spending_limit_reached',
      type: 'insufficient_quota',
    });
    const daily = await newKey({ spendingLimitPerDay: { value: '0.01', currency: 'EUR' } });
    await expect(chat(daily.secret)).rejects.toMatchObject({ status: 429, code: 'spend_quota_exceeded' });
    const { held } = await server.get<{ held: { value: string } }>(
      '/api/v1/ledger/balance',
      world.alice.token,
    );
    expect(held.value).toBe('0');
  });

  it('spends no more than its tenant may in a day, which the owner sets and the operator lowers', async () => {
    const { secret } = await newKey({});
    const set = (path: string, token: string, day: string | null) =>
      server.request('PUT', `/api/v1/${path}`, {
        token,
        body: { day: day === null ? null : { value: day, currency: 'EUR' }, month: null },
        expect: 200,
      });
    const { items } = await server.get<{ items: { id: string }[] }>('/api/v1/tenants', world.alice.token);
    await set('spending/limits', world.alice.token, '0.01');
    await expect(chat(secret)).rejects.toMatchObject({ status: 429, code: 'spend_quota_exceeded' });
    await set('spending/limits', world.alice.token, null);
    await set(`admin/spending/${items[0]?.id}`, world.adminToken, '0.01');
    const asked = await server.request('POST', '/v1/chat/completions', {
      token: secret,
      body: { model: 'slow', messages: [{ role: 'user', content: 'Hello' }] },
    });
    expect(asked.status).toBe(429);
    expect(Number(asked.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await server.get('/api/v1/spending', world.alice.token)).toMatchObject({
      limits: { day: null, month: null },
      quotas: { day: { value: '0.01' }, month: null },
      held: { value: '0' },
    });
    await set(`admin/spending/${items[0]?.id}`, world.adminToken, null);
  });

  it('that is wrongly made is refused: unknown operations, too much money, an end that is over', async () => {
    const make = (limits: object) => ask(world.alice.token, 'POST', KEYS, { name: 'Program', ...limits });
    for (const limits of [
      { operations: ['openai.chat'] },
      { operations: ['opena*'] },
      { operations: [] },
      { models: ['a b'] },
      { deviceIds: ['x'] },
      { deviceIds: [] },
      { spendingLimit: { value: '-1', currency: 'EUR' } },
      { spendingLimit: { value: '999999999999', currency: 'EUR' } },
      { spendingLimitPerMonth: { value: '1', currency: 'USD' } },
      { expiresAt: '2020-01-01T00:00:00Z' },
      { admin: true },
    ]) {
      expect(await make(limits), JSON.stringify(limits)).toBe('400 invalid_input');
    }
    for (const limit of [
      { value: '-1', currency: 'EUR' },
      { value: '999999999999', currency: 'EUR' },
    ]) {
      expect(await make({ spendingLimitPerDay: limit })).toBe('400 amount_out_of_range');
    }
  });

  it('is no last token: an account keeps one that lets it in as itself', async () => {
    const { token } = await server.post<{ token: string }>(
      '/api/v1/users',
      { name: 'Dan' },
      world.adminToken,
    );
    const { key, secret } = await newKey({}, token);
    const { items } = await server.get<{ items: { id: string; kind: string }[] }>(
      '/api/v1/users/me/tokens',
      token,
    );
    const personal = items.find(({ kind }) => kind === 'personal');
    expect(await ask(token, 'DELETE', `/api/v1/users/me/tokens/${personal?.id}`)).toBe('409 last_token');
    expect(await ask(token, 'DELETE', `${KEYS}/${key.id}`)).toBe('200 done');
    expect(await ask(secret, 'GET', '/v1/models')).toBe('401 unauthenticated');
    expect(await listOf(token)).toEqual([]);
  });
});

describe('an answer that is being streamed to an API key', () => {
  it('breaks off within a second when the key is revoked', async () => {
    const { key, secret } = await newKey();
    const answer = await runningAnswer(secret);
    const broken = answer.broken();
    expect(await ask(world.alice.token, 'DELETE', `${KEYS}/${key.id}`)).toBe('200 done');
    expect(await broken).toBeLessThan(1_000);
    await provider.next(RatatoskrType.COMPUTE_CANCEL);
    await expect(chat(secret)).rejects.toMatchObject({ status: 401 });
  });

  it('breaks off when the key expires', async () => {
    const { secret } = await newKey({ expiresAt: new Date(Date.now() + 1_200).toISOString() });
    const answer = await runningAnswer(secret);
    expect(await answer.broken()).toBeLessThan(2_200);
    await provider.next(RatatoskrType.COMPUTE_CANCEL);
    await expect(chat(secret)).rejects.toMatchObject({ status: 401 });
  });
});
