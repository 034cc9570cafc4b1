import {
  allowInsecureRequests,
  Configuration,
  initiateDeviceAuthorization,
  None,
  pollDeviceAuthorizationGrant,
} from 'openid-client';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launchChromium } from '../support/chromium.ts';
import { type MailWorld, startMailWorld } from '../support/mail-world.ts';

const OPEN = '/api/v1/oauth/device_authorization';
const TOKEN = '/api/v1/oauth/token';
const GRANT = 'urn:ietf:params:oauth:grant-type:device_code';

interface Opened {
  readonly device_code: string;
  readonly user_code: string;
  readonly verification_uri: string;
  readonly verification_uri_complete: string;
}

let world: MailWorld;
let ann: string;
beforeAll(async () => {
  world = await startMailWorld();
  ({ token: ann } = await world.signUp('ann@example.org'));
});
afterAll(() => world.close());

let clients = 0;
/** Sends a form as another client, unless it says which. */
async function send(path: string, form: string | Record<string, string>, address?: string) {
  const response = await fetch(world.server.httpUrl + path, {
    method: 'POST',
    body: new URLSearchParams(form),
    headers: { 'x-forwarded-for': address ?? `203.0.113.${clients++ % 250}` },
  });
  const body = (await response.json()) as Record<string, unknown>;
  return { status: response.status, headers: response.headers, body };
}

const open = async (name = 'Command line') => {
  const { status, body } = await send(OPEN, { client_id: name });
  expect(status).toBe(200);
  return body as unknown as Opened;
};

const collect = (deviceCode: string, name = 'Command line') =>
  send(TOKEN, { grant_type: GRANT, device_code: deviceCode, client_id: name });

const outcomeOf = async (deviceCode: string, name?: string) => {
  const { status, body } = await collect(deviceCode, name);
  return `${status} ${body.error ?? 'done'}`;
};

const decide = async (userCode: string, allow: boolean, token = ann) =>
  (await world.ask('POST', 'oauth/requests/decide', { body: { userCode, allow }, token })).outcome;

describe('a program without a browser', () => {
  it('is let in by who is signed in elsewhere, as a client library of OAuth expects it', async () => {
    const configuration = new Configuration(
      {
        issuer: world.server.httpUrl,
        token_endpoint: world.server.httpUrl + TOKEN,
        device_authorization_endpoint: world.server.httpUrl + OPEN,
      },
      'Notebook of Ann',
      undefined,
      None(),
    );
    allowInsecureRequests(configuration);
    const opened = await initiateDeviceAuthorization(configuration, {});
    expect(opened.user_code).toMatch(/^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$/);
    expect([opened.expires_in, opened.interval]).toEqual([600, 5]);
    const typed = opened.user_code.toLowerCase().replace('-', ' ');
    const found = await world.ask('POST', 'oauth/requests/find', { body: { userCode: typed }, token: ann });
    expect(found.answer).toMatchObject({ name: 'Notebook of Ann', address: '127.0.0.1' });
    expect(await decide(typed, true)).toBe('200 done');
    const { access_token: token, token_type: type } = await pollDeviceAuthorizationGrant(
      configuration,
      opened,
    );
    expect(type).toBe('bearer');
    const self = await world.server.get<{ email: string }>('/api/v1/users/me', token);
    expect(self.email).toBe('ann@example.org');
    const { items } = await world.server.get<{ items: { id: string; name: string; kind: string }[] }>(
      '/api/v1/users/me/tokens',
      ann,
    );
    const listed = items.find(({ name }) => name === 'Notebook of Ann');
    expect(listed?.kind).toBe('personal');
    await world.server.request('DELETE', `/api/v1/users/me/tokens/${listed?.id}`, {
      token: ann,
      expect: 200,
    });
    expect((await world.server.request('GET', '/api/v1/users/me', { token })).status).toBe(401);
  });

  it('waits until it is let in, and gets its token once, and nobody else', async () => {
    const opened = await open();
    expect(await outcomeOf(opened.device_code)).toBe('400 authorization_pending');
    world.advance(5_000);
    expect(await outcomeOf(opened.device_code)).toBe('400 authorization_pending');
    expect(await decide(opened.user_code, true)).toBe('200 done');
    expect(await decide(opened.user_code, true)).toBe('403 user_code_wrong');
    expect(await outcomeOf(opened.device_code, 'Another')).toBe('400 invalid_grant');
    expect(await outcomeOf(opened.user_code)).toBe('400 invalid_grant');
    const both = await Promise.all([collect(opened.device_code), collect(opened.device_code)]);
    expect(both.map(({ status }) => status).sort()).toEqual([200, 400]);
    const given = both.find(({ status }) => status === 200);
    expect(given?.headers.get('cache-control')).toBe('no-store');
    expect(JSON.stringify(world.server.logs)).not.toContain(String(given?.body.access_token));
    expect(JSON.stringify(world.server.logs)).not.toContain(opened.user_code);
    expect(await outcomeOf(opened.device_code)).toBe('400 invalid_grant');
  });

  it('is sent away, or too late', async () => {
    const denied = await open();
    expect(await decide(denied.user_code, false)).toBe('200 done');
    expect(await outcomeOf(denied.device_code)).toBe('400 access_denied');
    const late = await open();
    world.advance(10 * 60_000 + 1);
    expect(await outcomeOf(late.device_code)).toBe('400 expired_token');
    const { token: proven } = await world.signUp('late@example.org');
    expect(await decide(late.user_code, true, proven)).toBe('403 user_code_wrong');
  });

  it('is let in by a fresh proof alone: a stolen token lets nobody in', async () => {
    const { token } = await world.signUp('proven@example.org');
    world.advance(10 * 60_000 + 1);
    const opened = await open();
    expect(await decide(opened.user_code, true, token)).toBe('403 step_up_required');
    expect(await outcomeOf(opened.device_code)).toBe('400 authorization_pending');
    await world.prove(token, 'proven@example.org');
    expect(await decide(opened.user_code, true, token)).toBe('200 done');
    expect(await outcomeOf(opened.device_code)).toBe('200 done');
  });

  it('is let in by no API key and no device', async () => {
    const { token: proven } = await world.signUp('kim@example.org');
    const { secret } = await world.server.post<{ secret: string }>(
      '/api/v1/users/me/api-keys',
      { name: 'Key', operations: ['*'] },
      proven,
    );
    const opened = await open();
    expect(await decide(opened.user_code, true, secret)).toBe('403 forbidden');
    expect(await outcomeOf(opened.device_code)).toBe('400 authorization_pending');
  });

  it('gets nothing when the token that let it in was revoked meanwhile', async () => {
    const { token: proven } = await world.signUp('eve@example.org');
    const { token: stolen, secret } = await world.server.post<{ token: { id: string }; secret: string }>(
      '/api/v1/users/me/tokens',
      { name: 'Stolen' },
      proven,
    );
    await world.prove(secret, 'eve@example.org');
    const opened = await open();
    const other = await open();
    expect(await decide(opened.user_code, true, secret)).toBe('200 done');
    expect(await decide(other.user_code, true, proven)).toBe('200 done');
    await world.server.request('DELETE', `/api/v1/users/me/tokens/${stolen.id}`, {
      token: proven,
      expect: 200,
    });
    expect(await outcomeOf(opened.device_code)).toBe('400 invalid_grant');
    expect(await outcomeOf(other.device_code)).toBe('200 done');
  });

  it('gets nothing of an account that is to be deleted', async () => {
    const { token } = await world.signUp('leaving@example.org');
    const opened = await open();
    expect(await decide(opened.user_code, true, token)).toBe('200 done');
    expect((await world.ask('DELETE', 'users/me', { token })).outcome).toBe('202 done');
    expect(await outcomeOf(opened.device_code)).toBe('400 invalid_grant');
  });
});

describe('a form that is wrong', () => {
  it.each([
    [OPEN, {}, 'invalid_request'],
    [OPEN, { client_id: '' }, 'invalid_request'],
    [OPEN, { client_id: '\u0000' }, 'invalid_client'],
    [OPEN, { client_id: 'x'.repeat(101) }, 'invalid_client'],
    [OPEN, 'client_id=a&client_id=b', 'invalid_request'],
    [OPEN, { client_id: 'a', scope: 'admin' }, 'invalid_scope'],
    [TOKEN, { client_id: 'a' }, 'invalid_request'],
    [TOKEN, { client_id: 'a', grant_type: 'password' }, 'unsupported_grant_type'],
    [TOKEN, { client_id: 'a', grant_type: GRANT }, 'invalid_request'],
    [TOKEN, { grant_type: GRANT, device_code: 'a' }, 'invalid_request'],
    [TOKEN, { client_id: 'a', grant_type: GRANT, device_code: 'a' }, 'invalid_grant'],
  ])('to %s, %j, is refused in the words of OAuth', async (path, form, error) => {
    const { status, body } = await send(path, form);
    expect([status, body]).toEqual([400, { error, error_description: expect.any(String) }]);
  });

  it('is JSON', async () => {
    const { status, body } = await world.server.request('POST', TOKEN, { body: { client_id: 'a' } });
    expect([status, body.error]).toEqual([400, 'invalid_request']);
  });
});

describe('too much', () => {
  it('is more than ten programs that wait at one address; its neighbours are served', async () => {
    const outcomes: number[] = [];
    for (let number = 0; number < 11; number++) {
      outcomes.push((await send(OPEN, { client_id: 'Flood' }, '192.0.2.7')).status);
    }
    expect(outcomes).toEqual([...Array(10).fill(200), 429]);
    expect((await send(OPEN, { client_id: 'Neighbour' }, '192.0.2.8')).status).toBe(200);
  });

  it('is guessing codes: an account is slowed with all of its tokens together', async () => {
    const { token } = await world.signUp('guesser@example.org');
    const tokens = [token];
    for (const name of ['2', '3', '4']) {
      const { secret } = await world.server.post<{ secret: string }>(
        '/api/v1/users/me/tokens',
        { name },
        token,
      );
      tokens.push(secret);
    }
    const outcomes: string[] = [];
    for (let number = 0; number < 61; number++) {
      const body = { userCode: 'BCDF-GHJK' };
      const token = tokens[number % 4] ?? '';
      outcomes.push((await world.ask('POST', 'oauth/requests/find', { body, token })).outcome);
    }
    expect(outcomes.filter((outcome) => outcome === '403 user_code_wrong')).toHaveLength(60);
    expect(outcomes.at(-1)).toBe('429 rate_limited');
  });
});

it('the page of the server signs in, asks for a proof, shows the program and lets it in', async () => {
  await world.signUp('page@example.org');
  const opened = await open('<b>Screen</b>');
  expect(opened.verification_uri).toBe(`${world.server.httpUrl}/device`);
  const browser: Browser = await launchChromium();
  try {
    const page = await browser.newPage({ locale: 'en' });
    const complaints: string[] = [];
    page.on('pageerror', (error) => complaints.push(String(error)));
    const enterCode = async () => {
      await page.getByLabel('Code from the mail').fill(await world.nextCode('page@example.org'));
    };
    await page.goto(opened.verification_uri);
    await page.getByLabel('Mail address').fill('page@example.org');
    await page.getByRole('button', { name: 'Send me a code' }).click();
    await enterCode();
    await page.getByRole('button', { name: 'Sign in' }).first().click();
    await page.getByRole('heading', { name: 'Let a program in' }).waitFor();
    world.advance(10 * 60_000 + 1);
    const waiting = await open('<b>Screen</b>');
    await page.goto(waiting.verification_uri_complete);
    await page.getByRole('button', { name: 'Look it up' }).click();
    await page.getByText('<b>Screen</b>', { exact: true }).waitFor();
    await page.getByRole('button', { name: 'Let it in' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('button', { name: 'Send me a code' }).click();
    await enterCode();
    await dialog.getByRole('button', { name: 'Continue' }).click();
    await page.getByText('The program is let in.').waitFor();
    expect(complaints).toEqual([]);
    expect(await outcomeOf(waiting.device_code, '<b>Screen</b>')).toBe('200 done');
  } finally {
    await browser.close();
  }
});
