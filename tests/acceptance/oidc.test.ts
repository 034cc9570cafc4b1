import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../../bench/processes/ports.ts';
import { launchChromium } from '../support/chromium.ts';
import {
  CLIENT,
  FormBrowser,
  type OidcIssuer,
  SIGNING_CLIENT,
  startOidcIssuer,
} from '../support/oidc-issuer.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

const COOKIE = 'yggdrasil';

let issuer: OidcIssuer;
let server: TestServer;
let adminToken: string;
let people = 0;

beforeAll(async () => {
  const port = await freePort();
  const publicUrl = `http://127.0.0.1:${port}`;
  const { publicKey: _, ...signing } = SIGNING_CLIENT;
  issuer = await startOidcIssuer(() =>
    ['work', 'signs', 'signs-wrong'].map((name) => `${publicUrl}/api/v1/users/oidc/${name}/callback`),
  );
  server = await startTestServer({
    YGGDRASIL_PORT: String(port),
    YGGDRASIL_SIGN_UP: 'open',
    YGGDRASIL_PASSWORDS: 'on',
    YGGDRASIL_PUBLIC_URL: publicUrl,
    YGGDRASIL_TRUSTED_PROXIES: '127.0.0.1',
    YGGDRASIL_OIDC: JSON.stringify([
      { name: 'work', title: 'Work', issuer: issuer.url, ...CLIENT },
      { name: 'elsewhere', issuer: issuer.url, ...CLIENT },
      { name: 'signs', issuer: issuer.url, ...signing },
      { name: 'signs-wrong', issuer: issuer.url, ...signing, teamId: 'ANOTHER' },
      { name: 'gone', issuer: 'http://127.0.0.1:1', ...CLIENT },
    ]),
  });
  ({ token: adminToken } = await server.post<{ token: string }>('/api/v1/setup', {
    code: server.setupCode,
    name: 'Operator',
  }));
});
afterAll(async () => {
  await server?.stop();
  await issuer?.close();
});

const callback = () => `${server.httpUrl}/api/v1/users/oidc/work/callback`;

/** Somebody whom the issuer knows. */
function newPerson(claims: object): string {
  const name = `person${people++}`;
  issuer.people.set(name, { ...claims });
  return name;
}

const outcomeOf = async (response: Response) => {
  if (response.status === 303) return '303 done';
  const { error } = (await response.json()) as { error: { code: string } };
  return `${response.status} ${error.code}`;
};

/** Sends the browser off; where it is to go. */
async function begin(browser: FormBrowser, provider = 'work'): Promise<string> {
  const response = await browser.ask(`${server.httpUrl}/api/v1/users/oidc/${provider}`);
  expect(response.status).toBe(302);
  return response.headers.get('location') ?? '';
}

/** The address with the issuer's answer. */
const answerFor = async (browser: FormBrowser, person: string) =>
  browser.signInAt(await begin(browser), person, callback());

const signIn = async (person: string, browser = new FormBrowser()) => {
  const outcome = await outcomeOf(await browser.ask(await answerFor(browser, person)));
  return { outcome, browser, cookie: browser.cookieOf(server.httpUrl, COOKIE) };
};

const selfOf = async (browser: FormBrowser) =>
  (await (await browser.ask(`${server.httpUrl}/api/v1/users/me`)).json()) as {
    id: string;
    name: string;
    email: string;
  };

describe('a sign-in with an issuer', () => {
  it('is offered by name and title', async () => {
    const { items } = await server.get<{ items: object[] }>('/api/v1/users/oidc');
    expect(items[0]).toEqual({ name: 'work', title: 'Work' });
    expect(JSON.stringify(items)).not.toContain(CLIENT.clientSecret);
  });

  it('asks for a code with PKCE, state and nonce, and this redirect URI alone', async () => {
    const [one, two] = [new URL(await begin(new FormBrowser())), new URL(await begin(new FormBrowser()))];
    const asked = Object.fromEntries(one.searchParams);
    expect(asked).toMatchObject({
      response_type: 'code',
      code_challenge_method: 'S256',
      redirect_uri: callback(),
      scope: 'openid email profile',
    });
    for (const name of ['state', 'nonce', 'code_challenge']) {
      expect(one.searchParams.get(name)).toMatch(/^[\w-]{43}$/);
      expect(one.searchParams.get(name)).not.toBe(two.searchParams.get(name));
    }
  });

  it('makes an account for a verified address, and opens it again by the subject, whatever the address is then', async () => {
    const person = newPerson({ email: 'New@Example.org', email_verified: true, name: 'Nora' });
    const first = await signIn(person);
    expect(first.outcome).toBe('303 done');
    const self = await selfOf(first.browser);
    expect([self.name, self.email]).toEqual(['Nora', 'new@example.org']);
    issuer.people.set(person, { email: 'other@example.org', email_verified: false });
    const again = await signIn(person);
    expect((await selfOf(again.browser)).id).toBe(self.id);
    expect(again.cookie).not.toBe(first.cookie);
  });

  it('joins the account of its address only where the issuer has verified it', async () => {
    const { user } = await server.post<{ user: { id: string } }>(
      '/api/v1/users',
      { name: 'Known', email: 'known@example.org' },
      adminToken,
    );
    for (const claims of [
      { email: 'known@example.org', email_verified: false },
      { email: 'known@example.org' },
      { email_verified: true },
      { email: 'known@example.org', email_verified: 'yes' },
    ]) {
      const refused = await signIn(newPerson(claims));
      expect([refused.outcome, refused.cookie]).toEqual(['403 identity_unverified', undefined]);
    }
    const joined = await signIn(newPerson({ email: 'known@example.org', email_verified: true }));
    expect((await selfOf(joined.browser)).id).toBe(user.id);
  });

  it('makes one account where two sign-ins of one address end at once', async () => {
    const claims = { email: 'twice@example.org', email_verified: true };
    const runs = await Promise.all(
      [newPerson(claims), newPerson(claims)].map(async (person) => {
        const browser = new FormBrowser();
        return { browser, answer: await answerFor(browser, person) };
      }),
    );
    const responses = await Promise.all(runs.map(({ browser, answer }) => browser.ask(answer)));
    expect(responses.map(({ status }) => status)).toEqual([303, 303]);
    const ids = await Promise.all(runs.map(async ({ browser }) => (await selfOf(browser)).id));
    expect(ids[0]).toBe(ids[1]);
  });
});

describe('an identity', () => {
  const identitiesOf = async (browser: FormBrowser) => {
    const response = await browser.ask(`${server.httpUrl}/api/v1/users/me/identities`);
    return ((await response.json()) as { items: { id: string; issuer: string; title: string | null }[] })
      .items;
  };
  /** A token of one's own, made with the cookie of the page. */
  const tokenOf = (browser: FormBrowser) => {
    const secret = browser.cookieOf(server.httpUrl, COOKIE) ?? '';
    return decodeURIComponent(secret);
  };
  const remove = async (id: string, token: string) => {
    const path = `/api/v1/users/me/identities/${id}`;
    const { status, body } = await server.request('DELETE', path, { token });
    return `${status} ${(body as { error?: { code: string } }).error?.code ?? 'done'}`;
  };

  it('is listed and removed by its account alone, and then makes no sign-in without the address', async () => {
    const person = newPerson({ email: 'linked@example.org', email_verified: true });
    const { browser } = await signIn(person);
    const other = await signIn(newPerson({ email: 'stranger@example.org', email_verified: true }));
    const [identity, ...more] = await identitiesOf(browser);
    expect([identity, more]).toEqual([
      { id: expect.any(String), issuer: issuer.url, title: 'Work', createdAt: expect.any(String) },
      [],
    ]);
    const id = identity?.id ?? '';
    const strangers = tokenOf(other.browser);
    await server.post('/api/v1/users/me/tokens', { name: 'Mine' }, strangers);
    expect(await remove(id, strangers)).toBe('404 identity_not_found');
    const token = tokenOf(browser);
    expect(await remove(id, token)).toBe('409 last_sign_in');
    await server.post('/api/v1/users/me/tokens', { name: 'Mine' }, token);
    expect(await remove(id, token)).toBe('200 done');
    expect(await remove(id, token)).toBe('404 identity_not_found');
    issuer.people.set(person, { email: 'linked@example.org', email_verified: false });
    expect((await signIn(person)).outcome).toBe('403 identity_unverified');
  });

  it('goes where a password opens the account, which then stays as its last way in', async () => {
    const { browser } = await signIn(newPerson({ email: 'both@example.org', email_verified: true }));
    const [identity] = await identitiesOf(browser);
    const token = tokenOf(browser);
    const path = '/api/v1/users/me/password';
    const body = { password: 'correct horse battery' };
    await server.request('PUT', path, { token, body, expect: 200 });
    const removePassword = () => server.request('DELETE', path, { token });
    expect((await removePassword()).status).toBe(200);
    await server.request('PUT', path, { token, body, expect: 200 });
    expect(await remove(identity?.id ?? '', token)).toBe('200 done');
    const refused = await removePassword();
    expect([refused.status, refused.body]).toMatchObject([409, { error: { code: 'last_sign_in' } }]);
  });

  it('is not the last way in beside another one, of two that are removed at once one stays', async () => {
    const claims = { email: 'two-of-them@example.org', email_verified: true };
    const { browser } = await signIn(newPerson(claims));
    await signIn(newPerson(claims));
    const items = await identitiesOf(browser);
    expect(items).toHaveLength(2);
    const token = tokenOf(browser);
    const outcomes = await Promise.all(items.map(({ id }) => remove(id, token)));
    expect(outcomes.sort()).toEqual(['200 done', '409 last_sign_in']);
  });
});

describe('a client that signs its secret, as Apple wants it', () => {
  const enter = async (provider: string) => {
    const person = newPerson({ email: `${provider}@example.org`, email_verified: 'true' });
    const browser = new FormBrowser('198.51.100.7');
    const at = callback().replace('/work/', `/${provider}/`);
    return outcomeOf(await browser.ask(await browser.signInAt(await begin(browser, provider), person, at)));
  };

  it('is let in by its issuer with its own team and key alone', async () => {
    expect(await enter('signs')).toBe('303 done');
    expect(await enter('signs-wrong')).toBe('403 identity_refused');
  });
});

describe('an issuer', () => {
  it('signs people in at once when it has changed its key', async () => {
    const person = newPerson({ email: 'rotated@example.org', email_verified: true });
    expect((await signIn(person, new FormBrowser('198.51.100.7'))).outcome).toBe('303 done');
    await issuer.changeKey();
    const again = await signIn(person, new FormBrowser('198.51.100.7'));
    expect(again.outcome).toBe('303 done');
  });

  it('that says it is another one is refused', async () => {
    const browser = new FormBrowser('198.51.100.7');
    const answer = await answerFor(
      browser,
      newPerson({ email: 'elsewhere@example.org', email_verified: true }),
    );
    await issuer.pretend('http://evil.example');
    const outcome = await outcomeOf(await browser.ask(answer));
    await issuer.changeKey();
    expect(outcome).toMatch(/^(403 identity_refused|503 identity_provider_unreachable)$/);
    expect(browser.cookieOf(server.httpUrl, COOKIE)).toBeUndefined();
  });
});

describe('an answer', () => {
  const person = () => newPerson({ email: `p${people}@example.org`, email_verified: true });

  it('is taken once', async () => {
    const browser = new FormBrowser();
    const answer = await answerFor(browser, person());
    expect(await outcomeOf(await browser.ask(answer))).toBe('303 done');
    expect(await outcomeOf(await browser.ask(answer))).toBe('403 identity_refused');
  });

  it('is taken from the browser that began alone, and for what it began', async () => {
    const victim = new FormBrowser();
    await begin(victim);
    const mallory = new FormBrowser();
    const answer = await answerFor(mallory, person());
    expect(await outcomeOf(await victim.ask(answer))).toBe('403 identity_refused');
    expect(await outcomeOf(await new FormBrowser().ask(answer))).toBe('403 identity_refused');
    expect(await outcomeOf(await mallory.ask(answer.replace('/work/', '/elsewhere/')))).toBe(
      '403 identity_refused',
    );
    expect(await outcomeOf(await mallory.ask(answer))).toBe('303 done');
  });

  it.each([
    ['another state', { state: 'x'.repeat(43) }],
    ['no state', { state: '' }],
    ['a made-up code', { code: 'made-up' }],
    ['no code', { code: '' }],
    ['the name of another issuer', { iss: 'https://evil.example' }],
    ['a refusal', { error: 'access_denied' }],
  ])('with %s is refused', async (_, changes) => {
    const browser = new FormBrowser();
    const answer = new URL(await answerFor(browser, person()));
    for (const [name, value] of Object.entries(changes)) answer.searchParams.set(name, value);
    expect(await outcomeOf(await browser.ask(answer.href))).toBe('403 identity_refused');
    expect(browser.cookieOf(server.httpUrl, COOKIE)).toBeUndefined();
  });

  it('is taken from a form, too', async () => {
    const browser = new FormBrowser();
    const answer = new URL(await answerFor(browser, person()));
    const form = Object.fromEntries(answer.searchParams);
    expect(await outcomeOf(await browser.ask(callback(), form))).toBe('303 done');
  });

  it('whose code came with another nonce is refused', async () => {
    const [one, two] = [new FormBrowser(), new FormBrowser()];
    const answers = [
      new URL(await answerFor(one, person())),
      new URL(await answerFor(two, person())),
    ] as const;
    answers[0].searchParams.set('code', answers[1].searchParams.get('code') ?? '');
    expect(await outcomeOf(await one.ask(answers[0].href))).toBe('403 identity_refused');
  });
});

it('an issuer that is not there, or not configured, is told apart from a wrong answer', async () => {
  const browser = new FormBrowser();
  expect(await outcomeOf(await browser.ask(`${server.httpUrl}/api/v1/users/oidc/gone`))).toBe(
    '503 identity_provider_unreachable',
  );
  expect(await outcomeOf(await browser.ask(`${server.httpUrl}/api/v1/users/oidc/nobody`))).toBe(
    '404 identity_provider_unknown',
  );
  expect(JSON.stringify(server.logs)).not.toContain(CLIENT.clientSecret);
});

it('the page comes back to where somebody was before the provider signed them in, and takes a password', async () => {
  const person = newPerson({ email: 'back@example.org', email_verified: true });
  const browser = await launchChromium();
  try {
    // Another client than the many sign-ins before.
    const extraHTTPHeaders = { 'x-forwarded-for': '198.51.100.9' };
    const page = await browser.newPage({ locale: 'en', extraHTTPHeaders });
    await page.goto(`${server.httpUrl}/device?user_code=BCDF-GHJK`);
    await page.getByRole('link', { name: 'Sign in with Work' }).click();
    await page.locator('[name=login]').fill(person);
    await page.locator('[name=password]').fill('any');
    await page.locator('[type=submit]').click();
    await page.getByRole('button', { name: 'Continue' }).click();
    expect(await page.getByLabel('Code that the program shows').inputValue()).toBe('BCDF-GHJK');
    await page.getByRole('link', { name: 'Account' }).click();
    await page.getByLabel('New password').fill('correct horse battery');
    await page.getByRole('button', { name: 'Set the password' }).click();
    await page.getByRole('button', { name: 'Remove' }).waitFor();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('button', { name: 'Use a password' }).click();
    await page.getByLabel('Mail address').fill('back@example.org');
    await page.getByLabel('Password').fill('correct horse battery');
    await page.getByRole('button', { name: 'Sign in', exact: true }).click();
    await page.getByRole('heading', { name: 'Account', level: 1 }).waitFor();
  } finally {
    await browser.close();
  }
});
