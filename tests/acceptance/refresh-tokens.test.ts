import { createHmac, generateKeyPairSync } from 'node:crypto';
import {
  createLocalJWKSet,
  decodeJwt,
  decodeProtectedHeader,
  type JSONWebKeySet,
  jwtVerify,
  SignJWT,
} from 'jose';
import mqtt from 'mqtt';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BifrostSocket } from '../support/bifrost-socket.ts';
import { type MailWorld, startMailWorld } from '../support/mail-world.ts';
import { openRawSession } from '../support/ratatoskr.ts';
import { createDevice } from '../support/world.ts';

const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';
const DEVICE_CODE = 'urn:ietf:params:oauth:grant-type:device_code';
const UNKNOWN_ID = '00000000-0000-4000-8000-00000000dead';
const MINUTE = 60_000;
const DAY = 86_400_000;

interface Pair {
  readonly access_token: string;
  readonly refresh_token: string;
  readonly expires_in: number;
  readonly error?: string;
}

let world: MailWorld;
let people = 0;
beforeAll(async () => {
  world = await startMailWorld();
});
afterAll(() => world.close());

async function post(path: string, form: Record<string, string>): Promise<Pair & Record<string, unknown>> {
  const response = await fetch(`${world.server.httpUrl}/api/v1/oauth/${path}`, {
    method: 'POST',
    body: new URLSearchParams(form),
    headers: { 'x-forwarded-for': `203.0.113.${people++ % 250}` },
  });
  return (await response.json()) as Pair & Record<string, unknown>;
}

const exchange = (token: string) =>
  post('token', { grant_type: EXCHANGE, subject_token: token, subject_token_type: ACCESS_TOKEN });
const refresh = ({ refresh_token }: Pair) => post('token', { grant_type: 'refresh_token', refresh_token });
const statusOf = async (token: string) =>
  (await world.server.request('GET', '/api/v1/users/me', { token })).status;

/** Somebody new, with a pair of tokens. */
async function signIn() {
  const { token, email, user } = await world.signUp(`person-${people++}@example.org`);
  const pair = await exchange(token);
  return { token, email, user, pair };
}

const keySet = async () =>
  (await (await fetch(`${world.server.httpUrl}/.well-known/jwks.json`)).json()) as JSONWebKeySet;

describe('a sign-in with refresh tokens', () => {
  it('trades its token for a short one, which others can check by the published keys', async () => {
    const { token, email, user, pair } = await signIn();
    expect(pair.expires_in).toBe(600);
    expect(await statusOf(token)).toBe(401);
    const self = await world.server.get<{ email: string }>('/api/v1/users/me', pair.access_token);
    expect(self.email).toBe(email);
    const { payload, protectedHeader } = await jwtVerify(
      pair.access_token,
      createLocalJWKSet(await keySet()),
    );
    expect(payload.sub).toBe(user.id);
    expect(protectedHeader).toMatchObject({ alg: 'EdDSA', typ: 'at+jwt' });
    expect(JSON.stringify(await keySet())).not.toContain('"d"');
    expect(JSON.stringify(world.server.logs)).not.toContain(pair.refresh_token);
  });

  it('stands in the log of its account when it is traded', async () => {
    const { pair } = await signIn();
    const { items } = await world.server.get<{ items: { operation: string; outcome: string }[] }>(
      '/api/v1/audit?limit=50',
      pair.access_token,
    );
    expect(items).toContainEqual(
      expect.objectContaining({ operation: 'users.exchangeToken', outcome: 'done' }),
    );
  });

  it('trades no half of a refresh token', async () => {
    const { pair } = await signIn();
    expect(await exchange(pair.refresh_token.split('.')[0] ?? '')).toMatchObject({ error: 'invalid_grant' });
    expect((await refresh(pair)).error).toBeUndefined();
  });

  it('goes on with the next pair, and the short token ends by itself', async () => {
    const { pair } = await signIn();
    world.advance(10 * MINUTE);
    expect(await statusOf(pair.access_token)).toBe(401);
    const next = await refresh(pair);
    expect(next.refresh_token).not.toBe(pair.refresh_token);
    expect(await statusOf(next.access_token)).toBe(200);
    world.advance(30 * DAY);
    expect((await refresh(next)).error).toBe('invalid_grant');
  });

  it('gets another pair where the answer was lost, and ends when an old token comes again', async () => {
    const { pair, user } = await signIn();
    const lost = await refresh(pair);
    const again = await refresh(pair);
    expect(await statusOf(again.access_token)).toBe(200);
    // The lost one was found by somebody else.
    expect((await refresh(lost)).error).toBe('invalid_grant');
    expect(await statusOf(again.access_token)).toBe(401);
    expect((await refresh(again)).error).toBe('invalid_grant');
    const told = world.server.logs.filter((line) =>
      JSON.stringify(line).includes('a refresh token came again'),
    );
    expect(JSON.stringify(told)).toContain(user.id);
  });

  it('ends at once when it is revoked or signs out', async () => {
    const { pair } = await signIn();
    const { items } = await world.server.get<{ items: { id: string }[] }>(
      '/api/v1/users/me/tokens',
      pair.access_token,
    );
    const id = decodeJwt(pair.access_token).sid;
    expect(items.map((item) => item.id)).toContain(id);
    const gone = await world.server.request('DELETE', `/api/v1/users/me/tokens/${id}`, {
      token: pair.access_token,
    });
    expect(gone.status).toBe(200);
    expect(await statusOf(pair.access_token)).toBe(401);
    expect((await refresh(pair)).error).toBe('invalid_grant');
  });

  it('is cut in the middle of a stream and of a session when it is revoked, and takes no other with it', async () => {
    const { pair, email } = await signIn();
    const { token: other } = await world.signUp(email);
    const network = await world.server.post<{ id: string }>('/api/v1/networks', { name: 'Home' }, other);
    const device = await createDevice(world.server, other, network.id, 'Lamp');
    const live = (token: string) =>
      fetch(`${world.server.httpUrl}/api/v1/devices/${device.deviceId}/readings/live`, {
        headers: { authorization: `Bearer ${token}` },
      });
    const [cut, stays] = await Promise.all([live(pair.access_token), live(other)]);
    expect([cut.status, stays.status]).toEqual([200, 200]);
    const session = await openRawSession(world.server, pair.access_token);
    expect(session.ticket).toHaveLength(32);
    const ended = cut.text().catch(() => 'cut');
    await world.server.request('DELETE', `/api/v1/users/me/tokens/${decodeJwt(pair.access_token).sid}`, {
      token: other,
      expect: 200,
    });
    await ended;
    expect(await session.closed).toBe('4401 unauthenticated');
    const late = await openRawSession(world.server, pair.access_token);
    expect(await late.closed).toBe('4401 unauthenticated');
    const reader = stays.body?.getReader();
    expect((await reader?.read())?.done).toBe(false);
    await reader?.cancel();
  });

  it('opens nothing that is for devices', async () => {
    const { pair, token } = await signIn();
    const network = await world.server.post<{ id: string }>(
      '/api/v1/networks',
      { name: 'Home' },
      pair.access_token,
    );
    expect(await statusOf(token)).toBe(401);
    const device = await createDevice(world.server, pair.access_token, network.id, 'Lamp');
    const socket = await BifrostSocket.connect(world.server, { ...device, token: pair.access_token });
    expect(await socket.closed()).toBe(4401);
    const asDevice = { username: device.deviceId, password: pair.access_token, reconnectPeriod: 0 };
    await expect(mqtt.connectAsync(world.server.mqttUrl, asDevice)).rejects.toThrow(
      /Not authorized|Bad username/i,
    );
  });

  it('is given to a program that asks for it', async () => {
    const { token } = await world.signUp(`person-${people++}@example.org`);
    const opened = await post('device_authorization', { client_id: 'Screen', scope: 'offline_access' });
    await world.ask('POST', 'oauth/requests/decide', {
      body: { userCode: opened.user_code, allow: true },
      token,
    });
    const pair = await post('token', {
      grant_type: DEVICE_CODE,
      device_code: String(opened.device_code),
      client_id: 'Screen',
    });
    expect(await statusOf((await refresh(pair)).access_token)).toBe(200);
  });

  it('is made of nothing but the token of a sign-in', async () => {
    const { pair } = await signIn();
    for (const token of [world.operator, pair.access_token, pair.refresh_token, 'ygu_none']) {
      expect((await exchange(token)).error).toBe('invalid_grant');
    }
    const [family] = pair.refresh_token.split('.');
    for (const refresh_token of [
      '',
      'ygr_none',
      `${family}`.slice(0, -1),
      pair.access_token,
      `${pair.refresh_token}.x`,
    ]) {
      expect((await refresh({ ...pair, refresh_token })).error).toMatch(/^invalid_(grant|request)$/);
    }
    expect(await statusOf(pair.refresh_token)).toBe(401);
    expect(await statusOf(`${family}`)).toBe(401);
    expect(await statusOf((await refresh(pair)).access_token)).toBe(200);
  });
});

describe('an access token', () => {
  it('that is forged, of others, changed or without a signature is nobody', async () => {
    const { pair } = await signIn();
    const payload = decodeJwt(pair.access_token);
    const header = { ...decodeProtectedHeader(pair.access_token), alg: 'EdDSA' };
    const [head = '', body = '', signature = ''] = pair.access_token.split('.');
    const { privateKey } = generateKeyPairSync('ed25519');
    const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const unsigned = `${encode({ ...header, alg: 'none' })}.${body}`;
    const hmacHead = `${encode({ ...header, alg: 'HS256' })}.${body}`;
    const [jwk] = (await keySet()).keys;
    const forged = [
      await new SignJWT(payload).setProtectedHeader(header).sign(privateKey),
      await new SignJWT(payload).setProtectedHeader({ ...header, kid: '0123456789abcdef' }).sign(privateKey),
      `${head}.${encode({ ...payload, sub: world.operator })}.${signature}`,
      `${unsigned}.`,
      `${unsigned}.${signature}`,
      `${hmacHead}.${createHmac('sha256', `${jwk?.x}`).update(hmacHead).digest('base64url')}`,
      `${head}.${body}`,
      'ey',
      'ey.ey.ey',
      `${pair.access_token}.`,
    ];
    for (const token of forged) expect(await statusOf(token)).toBe(401);
    expect(await statusOf(pair.access_token)).toBe(200);
  });

  it('that was revoked, is over, has no signature or is for another server is refused by every operation', async () => {
    const { pair: over } = await signIn();
    world.advance(10 * MINUTE);
    const { pair } = await signIn();
    const [, body = ''] = pair.access_token.split('.');
    const none = Buffer.from(JSON.stringify({ alg: 'none', typ: 'at+jwt' })).toString('base64url');
    await world.ask('DELETE', `users/me/tokens/${decodeJwt(pair.access_token).sid}`, {
      token: pair.access_token,
    });
    const { rest, openai, anthropic } = world.server.catalogue;
    const guarded = [...rest, ...openai, ...anthropic].filter(({ access }) => access !== 'public');
    expect(guarded.length).toBeGreaterThan(100);
    // Of another server, which names a key of this one.
    const { privateKey } = generateKeyPairSync('ed25519');
    const elsewhere = 'https://elsewhere.example';
    const foreign = await new SignJWT({ ...decodeJwt(pair.access_token), iss: elsewhere, aud: elsewhere })
      .setProtectedHeader({ ...decodeProtectedHeader(pair.access_token), alg: 'EdDSA' })
      .sign(privateKey);
    const tokens = [over.access_token, pair.access_token, `${none}.${body}.`, foreign];
    for (const { method, path, operation } of guarded) {
      const ask = (token: string) =>
        world.server.request(method, path.replace(/:\w+|\*/g, UNKNOWN_ID), {
          token,
          headers: { 'x-forwarded-for': `192.0.2.${people++ % 250}` },
        });
      const answers = await Promise.all(tokens.map(ask));
      expect(
        answers.map(({ status }) => status),
        operation,
      ).toEqual([401, 401, 401, 401]);
    }
  });
});
