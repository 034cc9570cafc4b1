import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makePasskey, usePasskey } from '../support/authenticator.ts';
import { codeIn, type MailWorld, type SignedIn, startMailWorld } from '../support/mail-world.ts';
import { PAGE, passkeysIn } from '../support/passkey-world.ts';

let world: MailWorld;
let people: ReturnType<typeof passkeysIn>;
beforeAll(async () => {
  world = await startMailWorld({ YGGDRASIL_PUBLIC_URL: PAGE.origin });
  people = passkeysIn(world);
});
afterAll(() => world.close());

const MINUTES_5_MS = 5 * 60_000;

/** Somebody new, whose mailbox is empty again. */
async function newcomer(email: string): Promise<SignedIn> {
  const somebody = await world.signUp(email);
  expect(somebody.isNew).toBe(true);
  return somebody;
}

const outcomeOf = async (method: string, path: string, token: string, body?: unknown) =>
  (await world.ask(method, path, { token, ...(body === undefined ? {} : { body }) })).outcome;

/** A sign-in with the code from the mail. */
async function enterByCode(email: string) {
  const { answer } = await people.post<{ codeId: string }>('users/login', { email });
  let code = 'none';
  // Mails about passkeys and new sign-ins come between.
  while (code === 'none') code = codeIn((await world.mailServer.next(email)).text);
  const entered = await people.post<{ token: string; needsPasskey: boolean }>('users/sessions', {
    codeId: answer.codeId,
    code,
  });
  expect(entered.outcome).toBe('201 done');
  return entered.answer;
}

describe('a passkey', () => {
  it('signs its account in by itself, is listed, renamed and removed, and its address hears of it', async () => {
    const ann = await newcomer('ann@example.org');
    const phone = await people.make(ann.token, 'Phone');
    expect((await world.mailServer.next(ann.email)).text).toMatch(/added to your account: Phone/);
    const key = await people.make(ann.token, 'Key');
    await world.mailServer.next(ann.email);

    const entered = await people.signIn(phone);
    expect(entered.outcome).toBe('201 done');
    expect(entered.answer).toMatchObject({ user: { id: ann.user.id }, needsPasskey: false });
    const { token } = entered.answer;
    expect((await people.signIn(key)).answer).toMatchObject({ user: { id: ann.user.id } });

    const path = `users/me/passkeys/${phone.passkeyId}`;
    expect(await outcomeOf('PATCH', path, token, { name: 'Old phone' })).toBe('200 done');
    const { items } = await world.server.get<{ items: object[] }>('/api/v1/users/me/passkeys', token);
    expect(items).toMatchObject([
      { name: 'Old phone', isSynced: false, isBackedUp: false, lastUsedAt: expect.any(String) },
      { name: 'Key' },
    ]);
    expect(await outcomeOf('DELETE', path, token)).toBe('200 done');
    expect((await people.signIn(phone)).outcome).toBe('403 passkey_refused');
    expect(JSON.stringify(world.server.logs)).not.toContain(token);
  });

  it('keeps a session in a cookie for a page of the server, and for no other', async () => {
    const eve = await newcomer('eve@example.org');
    const phone = await people.make(eve.token);
    const signIn = async (origin: string) => {
      const { challengeId, options } = await people.ask('users/login/passkey');
      const answer = usePasskey(phone, { ...PAGE, challenge: options.challenge });
      const body = { challengeId, answer, cookie: true };
      return world.server.request('POST', '/api/v1/users/sessions/passkey', { body, headers: { origin } });
    };
    const own = await signIn(PAGE.origin);
    expect(own.body).toMatchObject({ token: null, csrfToken: expect.any(String) });
    expect(own.headers.get('set-cookie')).toMatch(/^__Host-yggdrasil=/);
    expect(await signIn('https://evil.example')).toMatchObject({
      status: 403,
      body: { error: { code: 'csrf_refused' } },
    });
  });

  it('is refused with one answer, whatever is wrong about it', async () => {
    const bob = await newcomer('bob@example.org');
    const phone = await people.make(bob.token);
    const eve = await newcomer('eva@example.org');
    const evesPhone = await people.make(eve.token);
    const nobodys = makePasskey({ ...PAGE, challenge: 'AAAA' }, evesPhone.userHandle).passkey;
    const signInWith = async (answerTo: (ceremony: typeof PAGE & { challenge: string }) => object) => {
      const { challengeId, options } = await people.ask('users/login/passkey');
      const answer = answerTo({ ...PAGE, challenge: options.challenge });
      return people.post('users/sessions/passkey', { challengeId, answer });
    };
    const used = await people.ask('users/login/passkey');
    const usedAnswer = usePasskey(phone, people.ceremonyOf(used));
    const again = { challengeId: used.challengeId, answer: usedAnswer };
    expect((await people.post('users/sessions/passkey', again)).outcome).toBe('201 done');

    const refusals = [
      await people.post('users/sessions/passkey', again),
      await signInWith(() => usedAnswer),
      await signInWith((ceremony) => usePasskey(nobodys, ceremony)),
      await signInWith((ceremony) => usePasskey({ ...phone, privateKey: nobodys.privateKey }, ceremony)),
      await signInWith((ceremony) => usePasskey({ ...phone, userHandle: evesPhone.userHandle }, ceremony)),
      await signInWith((ceremony) => usePasskey({ ...phone, userHandle: '' }, ceremony)),
      await signInWith((ceremony) => usePasskey(phone, { ...ceremony, origin: 'https://evil.example' })),
      await signInWith((ceremony) => usePasskey(phone, { ...ceremony, rpId: 'evil.example' })),
      await signInWith((ceremony) => usePasskey(phone, { ...ceremony, flags: 1 })),
      await signInWith((ceremony) => usePasskey({ ...phone, signCount: 0 }, ceremony, false)),
    ];
    const late = await people.ask('users/login/passkey');
    world.advance(MINUTES_5_MS);
    const lateAnswer = usePasskey(phone, people.ceremonyOf(late));
    refusals.push(
      await people.post('users/sessions/passkey', { challengeId: late.challengeId, answer: lateAnswer }),
    );
    const seen = refusals.map(({ outcome, answer }) => {
      const { requestId, ...error } = answer.error as Record<string, unknown>;
      return JSON.stringify([outcome, error]);
    });
    expect(new Set(seen).size).toBe(1);
    expect(seen[0]).toContain('403 passkey_refused');
    // It was tried, not broken.
    expect((await people.signIn(phone)).outcome).toBe('201 done');
  });

  it('is made for the token that asked, once, with nobody else’s credential and without certificates', async () => {
    const { token } = await newcomer('carol@example.org');
    const mallory = await newcomer('mallory@example.org');
    const question = () => people.ask('users/me/passkeys/options', token);
    const keep = async ({ challengeId }: { challengeId: string }, answer: object, by = token) =>
      (await people.post('users/me/passkeys', { challengeId, name: 'Key', answer }, by)).outcome;

    const first = await question();
    const made = makePasskey(people.ceremonyOf(first), first.options.user?.id ?? '');
    expect(await keep(first, made.answer, mallory.token)).toBe('403 passkey_refused');
    expect(await keep(first, made.answer)).toBe('201 done');
    expect(await keep(first, made.answer)).toBe('403 passkey_refused');

    const second = await question();
    const attested = makePasskey(people.ceremonyOf(second), 'AAAA', 'packed');
    expect(await keep(second, attested.answer)).toBe('403 passkey_refused');
    const third = await question();
    const unverified = makePasskey({ ...people.ceremonyOf(third), flags: 1 }, 'AAAA');
    expect(await keep(third, unverified.answer)).toBe('403 passkey_refused');

    // Of one token five questions are open: the oldest makes way.
    const open = [];
    for (let n = 0; n < 6; n++) open.push(await question());
    const answers = open.map((asked) => makePasskey(people.ceremonyOf(asked), 'AAAA').answer);
    expect(await keep(open[0] as { challengeId: string }, answers[0] as object)).toBe('403 passkey_refused');
    expect(await keep(open[5] as { challengeId: string }, answers[5] as object)).toBe('201 done');
  });

  it('is one of twenty at most', async () => {
    const { token } = await newcomer('many@example.org');
    for (let n = 0; n < 20; n++) await people.make(token, `Key ${n}`);
    await expect(people.make(token)).rejects.toThrow('409 limit_reached');
  });
});

describe('an account that asks for a passkey at each sign-in', () => {
  it('is opened by a code only half, until its passkey completes that', async () => {
    const dora = await newcomer('dora@example.org');
    const factor = 'users/me/second-factor';
    expect(await outcomeOf('PUT', factor, dora.token, { isRequired: true })).toBe('409 passkey_needed');
    const phone = await people.make(dora.token);
    await world.mailServer.next(dora.email);
    const { codes } = await world.server.post<{ codes: string[] }>(
      '/api/v1/users/me/recovery-codes',
      undefined,
      dora.token,
    );
    await world.mailServer.next(dora.email);
    expect(await outcomeOf('PUT', factor, dora.token, { isRequired: true })).toBe('200 done');

    const half = await enterByCode(dora.email);
    expect(half.needsPasskey).toBe(true);
    for (const [method, path] of [
      ['GET', 'users/me'],
      ['GET', 'networks'],
      ['POST', 'users/me/tokens'],
      ['POST', 'users/me/passkeys/options'],
      ['DELETE', 'users/me'],
    ] as const) {
      expect(await outcomeOf(method, path, half.token)).toBe('403 second_factor_required');
    }
    const current = await world.server.get('/api/v1/users/sessions/current', half.token);
    expect(current).toEqual({ csrfToken: null, needsPasskey: true });

    const stranger = await newcomer('stranger@example.org');
    const strangersPhone = await people.make(stranger.token);
    const complete = (body: object) =>
      people.post<{ token: string }>('users/sessions/complete', body, half.token);
    expect((await complete(await people.prove(strangersPhone, half.token))).outcome).toBe(
      '403 passkey_refused',
    );
    const whole = await complete(await people.prove(phone, half.token));
    expect(whole).toMatchObject({ outcome: '201 done', answer: { needsPasskey: false } });
    expect(await outcomeOf('GET', 'users/me', whole.answer.token)).toBe('200 done');
    expect(await outcomeOf('GET', 'users/sessions/current', half.token)).toBe('401 unauthenticated');

    // A passkey alone is both; a recovery code takes its place.
    expect((await people.signIn(phone)).answer.needsPasskey).toBe(false);
    const recovered = await people.post<{ token: string }>('users/recover', { code: codes[0] });
    expect(recovered.answer.needsPasskey).toBe(false);
    const last = `users/me/passkeys/${phone.passkeyId}`;
    expect(await outcomeOf('DELETE', last, recovered.answer.token)).toBe('409 passkey_needed');
    expect(await outcomeOf('PUT', factor, recovered.answer.token, { isRequired: false })).toBe('200 done');
    expect(await outcomeOf('DELETE', last, recovered.answer.token)).toBe('200 done');
  });

  it('has no more than five sign-ins that wait, each for a quarter of an hour', async () => {
    const rita = await newcomer('rita@example.org');
    await people.make(rita.token);
    await world.mailServer.next(rita.email);
    expect(await outcomeOf('PUT', 'users/me/second-factor', rita.token, { isRequired: true })).toBe(
      '200 done',
    );
    const halves: string[] = [];
    for (let n = 0; n < 6; n++) halves.push((await enterByCode(rita.email)).token);
    const outcomes = async () =>
      Promise.all(halves.map((token) => outcomeOf('GET', 'users/sessions/current', token)));
    expect(await outcomes()).toEqual(['401 unauthenticated', ...Array(5).fill('200 done')]);
    const { items } = await world.server.get<{
      items: { kind: string; createdAt: string; expiresAt: string }[];
    }>('/api/v1/users/me/tokens', rita.token);
    const waiting = items.filter(({ kind }) => kind === 'partial');
    const lives = waiting.map(({ createdAt, expiresAt }) => Date.parse(expiresAt) - Date.parse(createdAt));
    expect(lives).toEqual(Array(5).fill(3 * MINUTES_5_MS));
  });
});

describe('the last way in', () => {
  it('stays: a passkey of an account with nothing else', async () => {
    const path = '/api/v1/users';
    const made = await world.server.post<{ token: string }>(path, { name: 'Lone' }, world.operator);
    const phone = await people.make(made.token);
    const { answer } = await people.signIn(phone);
    const { items } = await world.server.get<{ items: { id: string; kind: string }[] }>(
      '/api/v1/users/me/tokens',
      answer.token,
    );
    const first = items.find(({ kind }) => kind === 'personal');
    expect(await outcomeOf('DELETE', `users/me/tokens/${first?.id}`, answer.token)).toBe('200 done');
    const remove = () => outcomeOf('DELETE', `users/me/passkeys/${phone.passkeyId}`, answer.token);
    expect(await remove()).toBe('409 last_sign_in');
    await people.make(answer.token);
    expect(await remove()).toBe('200 done');
  });
});
