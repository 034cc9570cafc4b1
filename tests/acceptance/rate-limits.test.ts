import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  BusinessRequest,
  Delivery,
  Event,
  encodePayload,
  FrameType,
  RatatoskrType,
} from '../../proto/index.ts';
import { createSystemClock } from '../../server/platform/system/clock.ts';
import { BifrostSocket, codeOf, nextNonce, signedFrame } from '../support/bifrost-socket.ts';
import { openRawSession } from '../support/ratatoskr.ts';
import { type Answer, startTestServer, type TestServer } from '../support/server.ts';
import { createHousehold, createWorld, type Household, type World } from '../support/world.ts';

const LIMITS = { token: 20, tenant: 50, address: 30, messages: 25 };

let server: TestServer;
let world: World;
/** How far the server's clock is ahead. */
let aheadMs = 0;
let household: Household;

const nextMinute = () => {
  aheadMs += 61_000;
};

beforeAll(async () => {
  const clock = createSystemClock();
  server = await startTestServer(
    {
      YGGDRASIL_TOKEN_REQUESTS_PER_MINUTE: String(LIMITS.token),
      YGGDRASIL_TENANT_REQUESTS_PER_MINUTE: String(LIMITS.tenant),
      YGGDRASIL_ADDRESS_REQUESTS_PER_MINUTE: String(LIMITS.address),
      YGGDRASIL_TENANT_MESSAGES_PER_MINUTE: String(LIMITS.messages),
      YGGDRASIL_TENANT_DEVICES_MAX: '2',
      YGGDRASIL_TENANT_NETWORKS_MAX: '2',
    },
    { clock: { ...clock, monotonicMs: () => clock.monotonicMs() + aheadMs } },
  );
  world = await createWorld(server);
});
afterAll(() => server.stop());
beforeEach(async () => {
  nextMinute();
  household = await createHousehold(server, world.adminToken);
  nextMinute();
});

const ask = (token: string, path = '/api/v1/networks') => server.request('GET', path, { token });

/** The answers to as many requests, and the one behind them. */
async function askTimes(
  count: number,
  request: () => Promise<Answer>,
): Promise<[statuses: number[], last: Answer]> {
  const statuses: number[] = [];
  for (let asked = 0; asked < count; asked++) statuses.push((await request()).status);
  return [statuses, await request()];
}

const headersOf = ({ headers }: Answer) =>
  ['limit', 'remaining', 'reset'].map((name) => [
    Number(headers.get(`ratelimit-${name}`)),
    Number(headers.get(`x-ratelimit-${name}`)),
  ]);

const refusalOf = ({ status, body }: Answer) => {
  const { code, details } = (body as { error: { code: string; details?: object } }).error;
  return { status, code, ...details };
};

const newToken = async () =>
  (await server.post<{ secret: string }>('/api/v1/users/me/tokens', { name: 'More' }, household.token))
    .secret;

describe('requests of one token', () => {
  it('are as many as it may, each told how many are left, and then refused until the minute is over', async () => {
    const first = await ask(household.token);
    expect(headersOf(first)).toEqual([
      [20, 20],
      [19, 19],
      [60, 60],
    ]);
    const [statuses, refused] = await askTimes(LIMITS.token - 1, () => ask(household.token));
    expect(new Set(statuses)).toEqual(new Set([200]));
    expect(refusalOf(refused)).toMatchObject({
      status: 429,
      code: 'rate_limited',
      scope: 'token',
      limit: 20,
    });
    expect(headersOf(refused).map(([value]) => value)).toEqual([20, 0, expect.any(Number)]);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(50);
    expect((await ask(world.bob.token)).status).toBe(200);
    nextMinute();
    expect((await ask(household.token)).status).toBe(200);
  });

  it('are refused in the form of OpenAI, too, with the same headers', async () => {
    const [, refused] = await askTimes(LIMITS.token, () => ask(household.token, '/v1/models'));
    expect(refused.body).toMatchObject({ error: { type: 'rate_limit_error', code: 'rate_limited' } });
    expect(refused.headers.get('retry-after')).toBe(refused.headers.get('x-ratelimit-reset'));
  });
});

it('requests of one tenant are limited over all its tokens, and nobody else is', async () => {
  const tokens = [household.token, await newToken(), await newToken()];
  nextMinute();
  for (const token of tokens.slice(0, 2)) await askTimes(LIMITS.token - 1, () => ask(token));
  const [statuses, refused] = await askTimes(10, () => ask(tokens[2] ?? ''));
  expect(statuses).toEqual(Array(10).fill(200));
  expect(refusalOf(refused)).toMatchObject({ status: 429, code: 'rate_limited', scope: 'tenant', limit: 50 });
  expect((await ask(world.bob.token)).status).toBe(200);
});

describe('callers who are not known', () => {
  it('may ask as often as their address may, and less often for what is worth guessing', async () => {
    const setUp = () => server.request('POST', '/api/v1/setup', { body: { code: 'wrong', name: 'M' } });
    const [statuses, refused] = await askTimes(10, setUp);
    expect(statuses).toEqual(Array(10).fill(403));
    expect(refusalOf(refused)).toMatchObject({
      status: 429,
      code: 'rate_limited',
      scope: 'operation',
      limit: 10,
    });
    const [, later] = await askTimes(20, () => server.request('GET', '/openapi.json'));
    expect(refusalOf(later)).toMatchObject({ status: 429, code: 'rate_limited', scope: 'address' });
    expect((await server.request('GET', '/healthz')).status).toBe(200);
    expect((await ask(household.token)).status).toBe(200);
  });

  it('are told to wait after too many tokens that nobody has, and nobody else at their address is', async () => {
    const [statuses, refused] = await askTimes(LIMITS.address, () => ask('ygu_nobody'));
    expect(new Set(statuses)).toEqual(new Set([401]));
    expect(refusalOf(refused)).toMatchObject({ status: 429, code: 'rate_limited', scope: 'address' });
    expect((await ask(household.token)).status).toBe(200);
    nextMinute();
    expect((await ask('ygu_nobody')).status).toBe(401);
  });
});

it('frames of one tenant are limited, and one that was refused may come again as it is', async () => {
  const socket = await BifrostSocket.open(server, household.device);
  const neighbour = await BifrostSocket.open(server, world.bob.device);
  for (let sent = 1; sent < LIMITS.messages; sent++) {
    socket.send({ type: FrameType.PING });
    await socket.next(FrameType.PONG);
  }
  const frame = { type: FrameType.EVENT, delivery: Delivery.STORED, nonce: nextNonce() };
  const bytes = signedFrame(household.device, frame, encodePayload(Event, { name: 'late' }));
  socket.socket.send(bytes);
  expect(codeOf(await socket.next(FrameType.ERROR))).toBe('rate_limited');
  neighbour.send({ type: FrameType.PING });
  await neighbour.next(FrameType.PONG);
  nextMinute();
  socket.socket.send(bytes);
  await socket.next(FrameType.ACK);
  socket.close();
  neighbour.close();
});

it('a session counts what asks for no operation that there is', async () => {
  const session = await openRawSession(server, household.token);
  const nonsense = encodePayload(BusinessRequest, { operation: 'networks.paint' });
  for (let sent = 0; sent <= LIMITS.messages; sent++) session.send(RatatoskrType.BUSINESS_REQUEST, nonsense);
  expect(await session.closed).toBe('4429 rate_limited');
});

it('a tenant has as many devices and networks as it may', async () => {
  const { token, network } = household;
  const device = (name: string) =>
    server.request('POST', '/api/v1/devices', {
      token,
      body: { name, networkId: network.id, worldType: 'midgard' },
    });
  expect((await device('Second')).status).toBe(201);
  expect(refusalOf(await device('Third'))).toMatchObject({
    status: 409,
    code: 'limit_reached',
    devicesMax: 2,
  });
  const more = (name: string) => server.request('POST', '/api/v1/networks', { token, body: { name } });
  expect((await more('Second')).status).toBe(201);
  expect(refusalOf(await more('Third'))).toMatchObject({
    status: 409,
    code: 'limit_reached',
    networksMax: 2,
  });
});
