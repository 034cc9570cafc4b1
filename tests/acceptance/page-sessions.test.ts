import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { addAuthenticator, launchChromium } from '../support/chromium.ts';
import { type MailServer, startMailServer } from '../support/mail-server.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

const SESSIONS = '/api/v1/users/sessions';
const KEEP = `${SESSIONS}/cookie`;

/** In a page: a device of its own, whose readings an EventSource follows. */
const FOLLOW = `
  const { csrfToken } = await (await fetch('${SESSIONS}/current')).json();
  const make = async (path, body) => (await fetch('/api/v1/' + path, { method: 'POST', body: JSON.stringify(body),
    headers: { 'content-type': 'application/json', 'x-csrf-token': csrfToken } })).json();
  const { id } = await make('networks', { name: 'Flat' });
  const { device } = await make('devices', { name: 'Lamp', networkId: id, worldType: 'jotunheim' });
  const source = new EventSource('/api/v1/devices/' + device.id + '/readings/live');
  return new Promise((resolve) => {
    source.onopen = () => { source.close(); resolve('open'); };
    source.onerror = () => resolve('error');
  });`;

/** In a page: makes a passkey, signs out, and signs in with it alone. */
const MAKE_AND_USE = `
  let { csrfToken } = await (await fetch('${SESSIONS}/current')).json();
  const ask = async (method, path, body) => (await fetch('/api/v1/users/' + path, { method, body: body && JSON.stringify(body),
    headers: { 'content-type': 'application/json', 'x-csrf-token': csrfToken } })).json();
  const asked = await ask('POST', 'me/passkeys/options');
  const made = await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(asked.options) });
  await ask('POST', 'me/passkeys', { challengeId: asked.challengeId, name: 'Chromium', answer: made.toJSON() });
  await ask('POST', 'logout');
  const question = await ask('POST', 'login/passkey');
  const used = await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(question.options) });
  const session = await ask('POST', 'sessions/passkey', { challengeId: question.challengeId, answer: used.toJSON(), cookie: true });
  csrfToken = session.csrfToken;
  const { items } = await ask('GET', 'me/passkeys');
  return { user: session.user.name, token: session.token, items };`;

let mailServer: MailServer;
let server: TestServer;
/** A page of another origin, which the server names as one that may use it. */
let friend: Server;
let friendOrigin: string;
let browser: Browser;
let mails = 0;

beforeAll(async () => {
  mailServer = await startMailServer();
  friend = createServer((_, response) => {
    response.setHeader('content-type', 'text/html');
    response.end('<!doctype html><title>Friend</title>');
  });
  await new Promise<void>((resolve) => friend.listen(0, '127.0.0.1', resolve));
  friendOrigin = `http://127.0.0.1:${(friend.address() as AddressInfo).port}`;
  server = await startTestServer({
    YGGDRASIL_SIGN_UP: 'open',
    YGGDRASIL_SMTP_URL: mailServer.url,
    YGGDRASIL_MAIL_FROM: 'yggdrasil@example.org',
    YGGDRASIL_CORS_ORIGINS: `https://app.example.org,${friendOrigin}`,
  });
  browser = await launchChromium();
});
afterAll(async () => {
  await browser?.close();
  friend?.close();
  await server?.stop();
  await mailServer?.close();
});

/** A code that was mailed to somebody new, and what names it. */
async function newCode(): Promise<{ codeId: string; code: string }> {
  const email = `page${mails++}@example.org`;
  const { body } = await server.request('POST', '/api/v1/users/register', {
    body: { email, name: 'Ann' },
    expect: 202,
  });
  const { text } = await mailServer.next(email);
  return { codeId: String(body.codeId), code: /\b\d{8}\b/.exec(text)?.[0] ?? '' };
}

const ownOrigin = () => server.httpUrl;
const ask = async (method: string, path: string, headers: Record<string, string>, body?: unknown) => {
  const answer = await server.request(method, path, { body, headers });
  const { error } = answer.body as { error?: { code: string } };
  return { outcome: `${answer.status} ${error?.code ?? 'done'}`, ...answer };
};

/** Signs in as a page does; the cookie as a browser would send it. */
async function signIn() {
  const { outcome, headers, body } = await ask(
    'POST',
    SESSIONS,
    { origin: ownOrigin() },
    { ...(await newCode()), cookie: true },
  );
  expect(outcome).toBe('201 done');
  const setCookie = headers.get('set-cookie') ?? '';
  return { setCookie, cookie: setCookie.split(';')[0] ?? '', csrfToken: String(body.csrfToken), body };
}

describe('a sign-in that is kept in a cookie', () => {
  it('shows the token to no script, and goes to this host alone', async () => {
    const { setCookie, body } = await signIn();
    expect(body.token).toBeNull();
    expect(JSON.stringify(body)).not.toMatch(/ygu_/);
    expect(setCookie).toMatch(/^yggdrasil=ygu_[\w-]+; Max-Age=259\d{4}; Path=\/; HttpOnly; SameSite=Strict$/);
  });

  it('is begun by recovery codes and tokens, too, and lasts no longer than the token', async () => {
    const { token } = (await ask('POST', SESSIONS, {}, await newCode())).body as { token: string };
    const codes = await server.post<{ codes: string[] }>('/api/v1/users/me/recovery-codes', undefined, token);
    const origin = ownOrigin();
    const authorization = `Bearer ${token}`;
    const recover = (headers: Record<string, string>) =>
      ask('POST', '/api/v1/users/recover', headers, { code: codes.codes[0], cookie: true });
    expect((await recover({})).outcome).toBe('403 csrf_refused');
    for (const answer of [await recover({ origin }), await ask('POST', KEEP, { origin, authorization })]) {
      expect(answer.outcome).toBe('201 done');
      expect(JSON.stringify(answer.body)).not.toMatch(/ygu_/);
      const cookie = answer.headers.get('set-cookie')?.split(';')[0] ?? '';
      expect((await ask('GET', `${SESSIONS}/current`, { cookie })).body).toEqual({
        csrfToken: answer.body.csrfToken,
        needsPasskey: false,
      });
    }
    const kept = (await ask('POST', KEEP, { origin, authorization })).body;
    const { items } = await server.get<{ items: { expiresAt: string }[] }>('/api/v1/users/me/tokens', token);
    expect(kept.expiresAt).toBe(items[0]?.expiresAt);
  });

  it('is begun by the first operator', async () => {
    const other = await startTestServer();
    try {
      const { status, body, headers } = await other.request('POST', '/api/v1/setup', {
        body: { code: other.setupCode, name: 'Operator', cookie: true },
        headers: { origin: other.httpUrl },
      });
      expect([status, body.token, (body.user as { operator: boolean }).operator]).toEqual([201, null, true]);
      const cookie = headers.get('set-cookie')?.split(';')[0] ?? '';
      expect((await other.request('GET', '/api/v1/admin/stats', { headers: { cookie } })).status).toBe(200);
    } finally {
      await other.stop();
    }
  });

  it('lets in for what changes nothing, and for more with its token from a page of the server', async () => {
    const { cookie, csrfToken } = await signIn();
    const own = { cookie, origin: ownOrigin(), 'x-csrf-token': csrfToken };
    const rename = async (headers: Record<string, string>) =>
      (await ask('PUT', '/api/v1/users/me', headers, { name: 'Bea' })).outcome;
    expect((await ask('GET', '/api/v1/users/me', { cookie })).outcome).toBe('200 done');
    expect((await ask('GET', `${SESSIONS}/current`, { cookie })).body).toEqual({
      csrfToken,
      needsPasskey: false,
    });
    expect(await rename(own)).toBe('200 done');
    const { origin: _, ...withoutOrigin } = own;
    const other = await signIn();
    for (const headers of [
      { cookie },
      withoutOrigin,
      { cookie, origin: ownOrigin() },
      { ...own, 'x-csrf-token': other.csrfToken },
      { ...own, 'x-csrf-token': '' },
      { ...own, origin: 'https://evil.example' },
      { ...own, origin: friendOrigin },
      { ...own, origin: 'null' },
      { ...own, origin: `${ownOrigin()}.evil.example` },
    ]) {
      expect(await rename(headers), JSON.stringify(headers)).toBe('403 csrf_refused');
    }
    for (const [site, outcome] of Object.entries({
      'same-origin': '200 done',
      none: '200 done',
      'same-site': '401 unauthenticated',
      'cross-site': '401 unauthenticated',
    })) {
      expect((await ask('GET', '/api/v1/users/me', { ...own, 'sec-fetch-site': site })).outcome, site).toBe(
        outcome,
      );
    }
    const head = await fetch(`${server.httpUrl}/api/v1/users/me`, { method: 'HEAD', headers: { cookie } });
    expect(head.status).toBe(200);
  });

  it('opens no WebSocket: those are for devices, whatever page asks', async () => {
    const { cookie } = await signIn();
    const socket = new WebSocket(`${server.webSocketUrl}/bifrost`, ['bifrost.v1'], {
      headers: { cookie, origin: ownOrigin() },
    });
    const code = await new Promise((resolve) => socket.on('close', resolve));
    expect(code).toBe(4401);
  });

  it('is no matter for who brings a token of its own, whatever cookies come along', async () => {
    const { cookie } = await signIn();
    const headers = { cookie, authorization: 'Bearer ygu_nobody' };
    expect((await ask('GET', '/api/v1/users/me', headers)).outcome).toBe('401 unauthenticated');
    const { token } = (await ask('POST', SESSIONS, {}, await newCode())).body as { token: string };
    const authorization = `Bearer ${token}`;
    expect((await ask('PUT', '/api/v1/users/me', { cookie, authorization }, { name: 'Cleo' })).outcome).toBe(
      '200 done',
    );
    expect((await ask('GET', `${SESSIONS}/current`, { cookie, authorization })).body).toEqual({
      csrfToken: null,
      needsPasskey: false,
    });
  });

  it('is not begun by a page of another origin: nobody is signed in as somebody else', async () => {
    const code = await newCode();
    for (const headers of [{}, { origin: 'https://evil.example' }, { origin: friendOrigin }]) {
      expect((await ask('POST', SESSIONS, headers, { ...code, cookie: true })).outcome).toBe(
        '403 csrf_refused',
      );
    }
    expect((await ask('POST', SESSIONS, { origin: ownOrigin() }, { ...code, cookie: true })).outcome).toBe(
      '201 done',
    );
  });

  it('ends with its sign-out, which takes the cookie away', async () => {
    const { cookie, csrfToken } = await signIn();
    const headers = { cookie, origin: ownOrigin(), 'x-csrf-token': csrfToken };
    const answer = await ask('POST', '/api/v1/users/logout', headers);
    expect(answer.body).toEqual({ signedOut: true });
    expect(answer.headers.get('set-cookie')).toMatch(/^yggdrasil=; Max-Age=0; Path=\//);
    expect((await ask('GET', '/api/v1/users/me', { cookie })).outcome).toBe('401 unauthenticated');
  });

  it('is taken from the public address alone, where one is set, and goes nowhere without TLS', async () => {
    const behind = await startTestServer({
      YGGDRASIL_SIGN_UP: 'open',
      YGGDRASIL_SMTP_URL: mailServer.url,
      YGGDRASIL_MAIL_FROM: 'yggdrasil@example.org',
      YGGDRASIL_PUBLIC_URL: 'https://home.example.org',
    });
    try {
      const enter = async (origin: string) => {
        const { status, body } = await behind.request('POST', SESSIONS, {
          headers: { origin },
          body: { codeId: crypto.randomUUID(), code: '00000000', cookie: true },
        });
        return `${status} ${(body as { error: { code: string } }).error.code}`;
      };
      expect(await enter(behind.httpUrl)).toBe('403 csrf_refused');
      expect(await enter('https://home.example.org')).toBe('403 sign_in_code_wrong');
      const { headers } = await behind.request('POST', '/api/v1/setup', {
        headers: { origin: 'https://home.example.org' },
        body: { code: behind.setupCode, name: 'Operator', cookie: true },
        expect: 201,
      });
      const setCookie = headers.get('set-cookie') ?? '';
      expect(setCookie).toMatch(
        /^__Host-yggdrasil=ygu_[\w-]+; Max-Age=\d+; Path=\/; Secure; HttpOnly; SameSite=Strict$/,
      );
      const meWith = async (cookie: string) =>
        (await behind.request('GET', '/api/v1/users/me', { headers: { cookie } })).status;
      const cookie = setCookie.split(';')[0] ?? '';
      expect([await meWith(cookie), await meWith(cookie.replace('__Host-', ''))]).toEqual([200, 401]);
    } finally {
      await behind.stop();
    }
  });
});

describe('a page of another origin', () => {
  it('reads answers where it is named, refusals too, and without cookies', async () => {
    const named = await ask('GET', '/api/v1/users/me', { origin: 'https://app.example.org' });
    expect([named.status, named.headers.get('access-control-allow-origin')]).toEqual([
      401,
      'https://app.example.org',
    ]);
    expect(named.headers.get('access-control-allow-credentials')).toBeNull();
    expect(named.headers.get('access-control-expose-headers')).toContain('X-Yggdrasil-Balance-Cents');
    expect(named.headers.get('vary')).toBe('Origin');
    for (const origin of [
      'https://evil.example',
      'https://app.example.org.evil.example',
      'http://app.example.org',
      'null',
    ]) {
      const { headers } = await ask('GET', '/api/v1/users/me', { origin });
      expect(headers.get('access-control-allow-origin'), origin).toBeNull();
      expect(headers.get('vary')).toBe('Origin');
    }
  });

  it('asks before it sends, and is told for its path', async () => {
    const preflight = (path: string, headers: Record<string, string>) =>
      fetch(server.httpUrl + path, { method: 'OPTIONS', headers });
    const asked = {
      origin: 'https://app.example.org',
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization,content-type,x-stainless-os',
    };
    const answer = await preflight('/v1/chat/completions', asked);
    expect(answer.status).toBe(204);
    expect(answer.headers.get('access-control-allow-methods')).toMatch(/POST/);
    expect(answer.headers.get('access-control-allow-headers')).toBe(asked['access-control-request-headers']);
    const stranger = await preflight('/v1/chat/completions', { ...asked, origin: 'https://evil.example' });
    expect(stranger.headers.get('access-control-allow-methods')).toBeNull();
    const odd = await preflight('/v1/chat/completions', {
      ...asked,
      'access-control-request-headers': 'a b',
    });
    expect(odd.headers.get('access-control-allow-headers')).toBeNull();
  });
});

describe('in a browser', () => {
  const inPage = <T>(page: Page, work: string): Promise<T> => page.evaluate(`(async () => { ${work} })()`);

  it('a page of the server signs in, changes something, and is signed in when it is loaded anew', async () => {
    const page = await browser.newPage();
    await page.goto(`${server.httpUrl}/docs`);
    const code = JSON.stringify({ ...(await newCode()), cookie: true });
    const csrfToken = await inPage<string>(
      page,
      `const answer = await fetch('${SESSIONS}', { method: 'POST', headers: { 'content-type': 'application/json' }, body: '${code}' });
       return (await answer.json()).csrfToken;`,
    );
    expect(csrfToken).toMatch(/^[\w-]{43}$/);
    await page.reload();
    const found = await inPage<{ again: string; script: string; renamed: number }>(
      page,
      `const { csrfToken } = await (await fetch('${SESSIONS}/current')).json();
       const renamed = await fetch('/api/v1/users/me', { method: 'PUT', body: '{"name":"Dora"}',
         headers: { 'content-type': 'application/json', 'x-csrf-token': csrfToken } });
       return { again: csrfToken, script: document.cookie, renamed: renamed.status };`,
    );
    expect(found).toEqual({ again: csrfToken, script: '', renamed: 200 });
    const followed = await inPage<string>(page, FOLLOW);
    expect(followed).toBe('open');
    await page.close();
  });

  it('a page makes a passkey, and signs in with it alone', async () => {
    const page = await browser.newPage();
    await addAuthenticator(page);
    await page.goto(`${server.httpUrl.replace('127.0.0.1', 'localhost')}/docs`);
    const code = JSON.stringify({ ...(await newCode()), cookie: true });
    const signIn = `fetch('${SESSIONS}', { method: 'POST', headers: { 'content-type': 'application/json' }, body: '${code}' })`;
    expect(await inPage(page, `return (await ${signIn}).status;`)).toBe(201);
    expect(await inPage(page, MAKE_AND_USE)).toMatchObject({
      user: 'Ann',
      token: null,
      items: [{ name: 'Chromium', lastUsedAt: expect.any(String) }],
    });
    await page.close();
  });

  it('a named page of another origin uses a token, and can make nothing of the cookie', async () => {
    const page = await browser.newPage();
    await page.goto(friendOrigin);
    const { token } = (await ask('POST', SESSIONS, {}, await newCode())).body as { token: string };
    const found = await inPage<{ name: string; withCookie: string }>(
      page,
      `const me = await fetch('${server.httpUrl}/api/v1/users/me', { headers: { authorization: 'Bearer ${token}' } });
       const withCookie = await fetch('${server.httpUrl}/api/v1/users/me', { credentials: 'include' }).then(
         (answer) => String(answer.status), (error) => error.name);
       return { name: (await me.json()).name, withCookie };`,
    );
    expect(found).toEqual({ name: 'Ann', withCookie: 'TypeError' });
    await page.close();
  });
});
