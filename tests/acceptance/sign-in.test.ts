import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSystemClock } from '../../server/platform/system/clock.ts';
import { type MailServer, startMailServer } from '../support/mail-server.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { createDevice } from '../support/world.ts';

interface SentCode {
  readonly codeId: string;
  readonly expiresAt: string;
}

interface Entered {
  readonly user: { readonly id: string; readonly name: string };
  readonly isNew: boolean;
  readonly token: string;
  readonly expiresAt: string;
}

let mailServer: MailServer;
let server: TestServer;
let operator: string;
/** How far the server's clock is ahead, in milliseconds. */
let aheadMs = 0;

beforeAll(async () => {
  mailServer = await startMailServer();
  const clock = createSystemClock();
  server = await startTestServer(
    {
      YGGDRASIL_SIGN_UP: 'open',
      YGGDRASIL_SMTP_URL: mailServer.url,
      YGGDRASIL_MAIL_FROM: 'yggdrasil@example.org',
      YGGDRASIL_TRUSTED_PROXIES: '127.0.0.1',
    },
    { clock: { ...clock, nowMs: () => clock.nowMs() + aheadMs } },
  );
  const { token } = await server.post<{ token: string }>('/api/v1/setup', {
    code: server.setupCode,
    name: 'Operator',
  });
  operator = token;
});
afterAll(async () => {
  await server.stop();
  await mailServer.close();
});

let clients = 0;
/** Each request is of another client, unless it says which. */
const from = (client = `198.51.100.${clients++ % 250}`) => ({ 'x-forwarded-for': client });

const ask = async (path: string, body: unknown, options: { client?: string; token?: string } = {}) => {
  const {
    status,
    body: answer,
    headers,
  } = await server.request('POST', `/api/v1/users/${path}`, {
    body,
    token: options.token,
    headers: from(options.client),
  });
  const { error } = answer as { error?: { code: string } };
  return { outcome: `${status} ${error?.code ?? 'done'}`, answer, headers };
};

const codeIn = (text: string): string => /\b\d{8}\b/.exec(text)?.[0] ?? 'none';

const register = async (email: string, name = 'Ann'): Promise<SentCode> => {
  const { outcome, answer } = await ask('register', { email, name });
  expect(outcome).toBe('202 done');
  return answer as unknown as SentCode;
};

/** Signs in with the next code that comes to the address. */
const enter = async ({ codeId }: SentCode, email: string): Promise<Entered> => {
  const code = codeIn((await mailServer.next(email)).text);
  const { outcome, answer } = await ask('sessions', { codeId, code });
  expect(outcome).toBe('201 done');
  return answer as unknown as Entered;
};

const signUp = async (email: string, name?: string): Promise<Entered> =>
  enter(await register(email, name), email);

const wrongOf = (code: string) => (code === '00000000' ? '11111111' : '00000000');

describe('sign-up by mail', () => {
  it('makes an account that can do what an operator-made one can, until it signs out', async () => {
    const email = 'ann@example.org';
    const sent = await register(email, 'Ann');
    const { user, isNew, token, expiresAt } = await enter(sent, email);
    expect([user.name, isNew]).toEqual(['Ann', true]);
    expect(Date.parse(expiresAt) - Date.now()).toBeGreaterThan(29 * 86_400_000);
    expect(await server.get('/api/v1/users/me', token)).toMatchObject({ id: user.id, name: 'Ann', email });
    const network = await server.post<{ id: string }>('/api/v1/networks', { name: 'Home' }, token);
    await createDevice(server, token, network.id, 'Lamp');
    const { items } = await server.get<{ items: object[] }>('/api/v1/users/me/tokens', token);
    expect(items).toEqual([expect.objectContaining({ kind: 'session', inUse: true, expiresAt })]);
    expect((await ask('logout', undefined, { token })).answer).toEqual({ signedOut: true });
    expect((await server.request('GET', '/api/v1/users/me', { token })).status).toBe(401);
  });

  it('tells a new device that somebody signs in with away from home which network is the home', async () => {
    const email = 'away@example.org';
    const atHome = await signUp(email);
    const home = async (token: string) =>
      (await server.get<{ homeNetworkId: string | null }>('/api/v1/users/me', token)).homeNetworkId;
    expect(await home(atHome.token)).toBeNull();
    const { id } = await server.post<{ id: string }>('/api/v1/networks', { name: 'Home' }, atHome.token);
    await server.post('/api/v1/networks', { name: 'Cabin' }, atHome.token);
    const { answer } = await ask('login', { email });
    const away = await enter(answer as unknown as SentCode, email);
    const networkId = await home(away.token);
    expect(networkId).toBe(id);
    // With it the device registers itself among the others.
    const device = await createDevice(server, away.token, networkId ?? '', 'Phone');
    expect(device.networkId).toBe(id);
  });

  it('signs in who has an account already, and its mail says so', async () => {
    const first = await signUp('twice@example.org', 'First');
    const sent = await register('Twice@Example.org', 'Second');
    const mail = await mailServer.next('twice@example.org');
    expect(mail.text).toMatch(/have an account already/);
    const { answer } = await ask('sessions', { codeId: sent.codeId, code: codeIn(mail.text) });
    expect(answer).toMatchObject({ isNew: false, user: { id: first.user.id, name: 'First' } });
  });

  it('makes one account where two codes of one address are used at once', async () => {
    const email = 'both@example.org';
    const sent = [await register(email), await register(email)];
    const codes = [await mailServer.next(email), await mailServer.next(email)].map(({ text }) =>
      codeIn(text),
    );
    const entered = await Promise.all(
      sent.flatMap(({ codeId }) => codes.map((code) => ask('sessions', { codeId, code }))),
    );
    const users = entered
      .filter(({ outcome }) => outcome === '201 done')
      .map(({ answer }) => (answer as unknown as Entered).user.id);
    expect(users).toHaveLength(2);
    expect(new Set(users).size).toBe(1);
  });
});

describe('signing in', () => {
  it('takes a code typed in groups, once', async () => {
    await signUp('groups@example.org');
    const { answer } = await ask('login', { email: ' GROUPS@example.org ' });
    const { codeId } = answer as unknown as SentCode;
    const code = codeIn((await mailServer.next('groups@example.org')).text);
    const typed = `${code.slice(0, 4)}-${code.slice(4, 6)} ${code.slice(6)}`;
    expect((await ask('sessions', { codeId, code: typed })).outcome).toBe('201 done');
    expect((await ask('sessions', { codeId, code })).outcome).toBe('403 sign_in_code_wrong');
  });

  it('ends after five wrong tries, also for the right code', async () => {
    await signUp('tries@example.org');
    const { codeId } = (await ask('login', { email: 'tries@example.org' })).answer as unknown as SentCode;
    const code = codeIn((await mailServer.next('tries@example.org')).text);
    const tries = await Promise.all(
      Array.from({ length: 5 }, () => ask('sessions', { codeId, code: wrongOf(code) })),
    );
    expect(tries.map(({ outcome }) => outcome)).toEqual(Array(5).fill('403 sign_in_code_wrong'));
    expect((await ask('sessions', { codeId, code })).outcome).toBe('403 sign_in_code_wrong');
  });

  it('bears four wrong tries', async () => {
    await signUp('four@example.org');
    const { codeId } = (await ask('login', { email: 'four@example.org' })).answer as unknown as SentCode;
    const code = codeIn((await mailServer.next('four@example.org')).text);
    for (let number = 0; number < 4; number++) await ask('sessions', { codeId, code: wrongOf(code) });
    expect((await ask('sessions', { codeId, code })).outcome).toBe('201 done');
  });

  it('has ended after ten minutes, and the token after thirty days', async () => {
    const { token } = await signUp('late@example.org');
    const { codeId } = (await ask('login', { email: 'late@example.org' })).answer as unknown as SentCode;
    const code = codeIn((await mailServer.next('late@example.org')).text);
    const status = async () => (await server.request('GET', '/api/v1/users/me', { token })).status;
    try {
      aheadMs = 10 * 60_000 + 1;
      expect((await ask('sessions', { codeId, code })).outcome).toBe('403 sign_in_code_wrong');
      aheadMs = 29 * 86_400_000;
      expect(await status()).toBe(200);
      aheadMs = 30 * 86_400_000 + 60_000;
      expect(await status()).toBe(401);
    } finally {
      aheadMs = 0;
    }
  });

  it('opens no account with the code of another address', async () => {
    await signUp('mallory@example.org');
    await signUp('victim@example.org');
    const { codeId } = (await ask('login', { email: 'victim@example.org' })).answer as unknown as SentCode;
    await ask('login', { email: 'mallory@example.org' });
    const own = codeIn((await mailServer.next('mallory@example.org')).text);
    expect((await ask('sessions', { codeId, code: own })).outcome).toBe('403 sign_in_code_wrong');
  });

  it('answers an address without an account as one that has one; its mail tells', async () => {
    await signUp('known@example.org');
    const shapeOf = async (email: string) => {
      const { outcome, answer, headers } = await ask('login', { email });
      return { outcome, fields: Object.keys(answer), headers: [...headers.keys()] };
    };
    expect(await shapeOf('unknown@example.org')).toEqual(await shapeOf('known@example.org'));
    const mail = await mailServer.next('unknown@example.org');
    expect(mail.text).toMatch(/has no account/);
    expect(codeIn(mail.text)).toBe('none');
  });

  it('is not possible with an unknown code', async () => {
    const codeId = '00000000-0000-4000-8000-00000000dead';
    expect((await ask('sessions', { codeId, code: '12345678' })).outcome).toBe('403 sign_in_code_wrong');
    expect((await ask('sessions', { codeId, code: '1234567' })).outcome).toBe('400 invalid_input');
  });
});

describe('too many codes', () => {
  it('for one address are refused, whether or not it has an account, and whoever asks', async () => {
    await signUp('flooded@example.org');
    for (const email of ['flooded@example.org', 'nobody@example.org']) {
      const outcomes: string[] = [];
      for (let number = 0; number < 11; number++) outcomes.push((await ask('login', { email })).outcome);
      const accepted = email.startsWith('flooded') ? 9 : 10;
      expect(outcomes.filter((outcome) => outcome === '202 done')).toHaveLength(accepted);
      expect(outcomes.at(-1)).toBe('429 rate_limited');
    }
  });

  it('for one client are refused with the time to wait; its neighbours are served', async () => {
    const client = '203.0.113.7';
    const outcomes: string[] = [];
    for (let number = 0; number < 31; number++) {
      outcomes.push((await ask('login', { email: `one${number}@example.org` }, { client })).outcome);
    }
    expect(outcomes.filter((outcome) => outcome === '202 done')).toHaveLength(30);
    const refused = await ask('login', { email: 'more@example.org' }, { client });
    expect(refused.outcome).toBe('429 rate_limited');
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(3_500);
    expect((await ask('login', { email: 'more@example.org' }, { client: '203.0.113.8' })).outcome).toBe(
      '202 done',
    );
  });
});

describe('an account of the operator', () => {
  it('signs in by its address, where no other has it', async () => {
    const body = { name: 'Bob', email: 'Bob@example.org' };
    await server.request('POST', '/api/v1/users', { body, token: operator, expect: 201 });
    const again = await server.request('POST', '/api/v1/users', { body, token: operator });
    expect([again.status, (again.body.error as { code: string }).code]).toEqual([409, 'email_taken']);
    const { answer } = await ask('login', { email: 'bob@example.org' });
    const { user, isNew } = await enter(answer as unknown as SentCode, 'bob@example.org');
    expect([user.name, isNew]).toEqual(['Bob', false]);
  });

  it('keeps its own token when it signs out', async () => {
    const { token } = await server.post<{ token: string }>('/api/v1/users', { name: 'Carol' }, operator);
    expect((await ask('logout', undefined, { token })).answer).toEqual({ signedOut: false });
    expect((await server.request('GET', '/api/v1/users/me', { token })).status).toBe(200);
  });

  it('takes another name', async () => {
    const { token } = await server.post<{ token: string }>('/api/v1/users', { name: 'Carol' }, operator);
    await server.request('PUT', '/api/v1/users/me', { body: { name: 'Caroline' }, token, expect: 200 });
    expect(await server.get('/api/v1/users/me', token)).toMatchObject({ name: 'Caroline', email: null });
  });
});

it('the token of a sign-in is revoked like any other, also as the last one', async () => {
  const { token } = await signUp('revoker@example.org');
  const { items } = await server.get<{ items: { id: string }[] }>('/api/v1/users/me/tokens', token);
  const path = `/api/v1/users/me/tokens/${items[0]?.id}`;
  expect((await server.request('DELETE', path, { token })).status).toBe(200);
  expect((await server.request('GET', '/api/v1/users/me', { token })).status).toBe(401);
});

it('the oldest sign-in gives way where there are a hundred tokens', async () => {
  const first = await signUp('many@example.org');
  for (let number = 0; number < 99; number++) {
    await server.post('/api/v1/users/me/tokens', { name: `Token ${number}` }, first.token);
  }
  const { answer } = await ask('login', { email: 'many@example.org' });
  const second = await enter(answer as unknown as SentCode, 'many@example.org');
  expect((await server.request('GET', '/api/v1/users/me', { token: first.token })).status).toBe(401);
  expect((await server.request('GET', '/api/v1/users/me', { token: second.token })).status).toBe(200);
});

describe('a server', () => {
  /** One of its own, and what it answers. */
  const startOther = async (environment: Record<string, string>, print?: (text: string) => void) => {
    const other = await startTestServer(environment, print === undefined ? {} : { print });
    const outcomeOf = async (path: string, body: unknown) => {
      const { status, body: answer } = await other.request('POST', `/api/v1/users/${path}`, { body });
      return `${status} ${(answer as { error?: { code: string } }).error?.code ?? 'done'}`;
    };
    return { other, outcomeOf };
  };
  const ann = { email: 'ann@example.org', name: 'Ann' };

  it('that only this machine reaches shows codes on its terminal, and never in its log', async () => {
    const shown: string[] = [];
    const { other, outcomeOf } = await startOther({ YGGDRASIL_SIGN_UP: 'open' }, (text) => shown.push(text));
    try {
      expect(await outcomeOf('register', ann)).toBe('202 done');
      const code = codeIn(shown.join());
      expect(code).not.toBe('none');
      expect(JSON.stringify(other.logs)).not.toContain(code);
      expect(JSON.stringify(other.logs)).not.toContain('ann@example.org');
    } finally {
      await other.stop();
    }
  });

  it('whose operator makes the accounts writes to nobody without one', async () => {
    const shown: string[] = [];
    const { other, outcomeOf } = await startOther({}, (text) => shown.push(text));
    try {
      expect(await outcomeOf('login', { email: 'nobody@example.org' })).toBe('202 done');
      expect(shown).toEqual([]);
    } finally {
      await other.stop();
    }
  });

  it('that other machines reach says that it has no mail server, and shows nothing', async () => {
    const shown: string[] = [];
    const environment = { YGGDRASIL_MQTT_HOST: '0.0.0.0', YGGDRASIL_TLS: 'proxy', YGGDRASIL_SIGN_UP: 'open' };
    const { other, outcomeOf } = await startOther(environment, (text) => shown.push(text));
    try {
      expect(await outcomeOf('register', ann)).toBe('403 mail_not_set_up');
      expect(await outcomeOf('login', { email: ann.email })).toBe('403 mail_not_set_up');
      expect(shown).toEqual([]);
    } finally {
      await other.stop();
    }
  });

  it('takes no strangers unless it was told to, and goes on when its mail server refuses', async () => {
    const refusing = await startMailServer();
    refusing.refuse();
    const { other, outcomeOf } = await startOther({
      YGGDRASIL_SMTP_URL: refusing.url,
      YGGDRASIL_MAIL_FROM: 'yggdrasil@example.org',
    });
    try {
      expect(await outcomeOf('register', ann)).toBe('403 sign_up_closed');
      const { token } = await other.post<{ token: string }>('/api/v1/setup', {
        code: other.setupCode,
        name: 'Operator',
      });
      await other.request('POST', '/api/v1/users', { body: ann, token, expect: 201 });
      expect(await outcomeOf('login', { email: ann.email })).toBe('202 done');
      await expect
        .poll(() => other.logs.find(({ message }) => message === 'a mail was not sent')?.fields)
        .toMatchObject({ operation: 'mail.send' });
      expect(JSON.stringify(other.logs)).not.toContain(ann.email);
      expect(refusing.mails).toEqual([]);
    } finally {
      await other.stop();
      await refusing.close();
    }
  });
});
