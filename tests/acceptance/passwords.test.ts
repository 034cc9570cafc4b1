import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type MailWorld, startMailWorld } from '../support/mail-world.ts';
import { PAGE, passkeysIn } from '../support/passkey-world.ts';

const PASSWORD = 'correct horse battery';
const PATH = 'users/me/password';

let world: MailWorld;
beforeAll(async () => {
  world = await startMailWorld({ YGGDRASIL_PASSWORDS: 'on', YGGDRASIL_PUBLIC_URL: PAGE.origin });
});
afterAll(() => world.close());

const setPassword = async (token: string, password = PASSWORD) =>
  (await world.ask('PUT', PATH, { token, body: { password } })).outcome;

const logIn = (email: string, password: string) =>
  world.ask('POST', 'users/login', { body: { email, password } });

const outcomeOf = async (email: string, password: string) => (await logIn(email, password)).outcome;

/** The next mail that has no code. */
async function nextNotice(email: string): Promise<string> {
  for (;;) {
    const { text } = await world.mailServer.next(email);
    if (!/\b\d{8}\b/.test(text)) return text;
  }
}

describe('a password', () => {
  it('signs its account in, however it is typed, and proves nothing that a thief of it would need', async () => {
    const ann = await world.signUp('ann@example.org');
    expect((await world.ask('GET', PATH, { token: ann.token })).answer).toEqual({ changedAt: null });
    expect(await setPassword(ann.token, 'Stra\u00dfe nach Qui\u00f1ones')).toBe('200 done');
    expect(await nextNotice(ann.email)).toMatch(/A password was set/);
    const { changedAt } = (await world.ask('GET', PATH, { token: ann.token })).answer;
    expect(changedAt).toEqual(expect.any(String));
    const { outcome, answer } = await logIn('ANN@example.org ', 'Stra\u00dfe nach Quin\u0303ones');
    expect(outcome).toBe('201 done');
    const token = String(answer.token);
    expect((await world.server.get<{ email: string }>('/api/v1/users/me', token)).email).toBe(ann.email);
    expect(await setPassword(token)).toBe('403 step_up_required');
    const { items } = await world.server.get<{ items: { operation: string; outcome: string }[] }>(
      '/api/v1/audit?limit=50',
      ann.token,
    );
    const signIns = items.filter(({ operation }) => operation === 'users.signIn');
    // By the code of the sign-up, and by the password.
    expect(signIns.map(({ outcome }) => outcome)).toEqual(['done', 'done']);
    expect(JSON.stringify(world.server.logs)).not.toMatch(/Stra\u00dfe|argon2id/);
  });

  it('that is wrong, of nobody, or of an account without one, is answered alike', async () => {
    const bob = await world.signUp('bob@example.org');
    await world.signUp('without@example.org');
    await setPassword(bob.token);
    const answers = await Promise.all([
      logIn(bob.email, 'another password'),
      logIn('nobody@example.org', PASSWORD),
      logIn('without@example.org', PASSWORD),
    ]);
    expect(answers.map(({ outcome }) => outcome)).toEqual(Array(3).fill('403 password_wrong'));
    const messages = answers.map(({ answer }) => (answer.error as { message: string }).message);
    expect(new Set(messages).size).toBe(1);
  });

  it('is good no more when there is another one, or none', async () => {
    const eve = await world.signUp('eve@example.org');
    await setPassword(eve.token);
    await setPassword(eve.token, 'another password');
    expect(await outcomeOf(eve.email, PASSWORD)).toBe('403 password_wrong');
    expect(await outcomeOf(eve.email, 'another password')).toBe('201 done');
    expect((await world.ask('DELETE', PATH, { token: eve.token })).outcome).toBe('200 done');
    expect(await outcomeOf(eve.email, 'another password')).toBe('403 password_wrong');
  });

  it('waits for a passkey where the account asks for one besides', async () => {
    const people = passkeysIn(world);
    const kim = await world.signUp('kim@example.org');
    await setPassword(kim.token);
    await people.make(kim.token);
    const required = { token: kim.token, body: { isRequired: true } };
    expect((await world.ask('PUT', 'users/me/second-factor', required)).outcome).toBe('200 done');
    const { outcome, answer } = await logIn(kim.email, PASSWORD);
    expect([outcome, answer.needsPasskey]).toEqual(['201 done', true]);
    const partial = await world.ask('GET', 'users/me', { token: String(answer.token) });
    expect(partial.outcome).not.toBe('200 done');
  });

  it('is not for an account without an address, and short ones are for none', async () => {
    expect(await setPassword(world.operator)).toBe('409 conflict');
    const short = ['eleven char', 'e\u0301leven char', '\ud83d\udd11'.repeat(11)];
    // Halves of characters are all hashed alike.
    for (const password of [...short, '\ud83d'.repeat(12)])
      expect(await setPassword(world.operator, password)).toBe('400 invalid_input');
  });
});

it('who guesses a password does not lock its owner out, who comes from where they signed in before', async () => {
  const home = { 'x-forwarded-for': '203.0.113.77', 'user-agent': 'curl/8.5.0' };
  const { email, token } = await world.signUp('owner@example.org', 'Owner', home);
  await setPassword(token);
  const fromHome = (password: string) =>
    world.server.request('POST', '/api/v1/users/login', { body: { email, password }, headers: home });
  // The sign-in is noted behind its answer.
  await expect.poll(async () => (await fromHome(PASSWORD)).status).toBe(201);
  for (let number = 0; number < 20; number++) await outcomeOf(email, 'one guess of many');
  expect(await outcomeOf(email, PASSWORD)).toBe('429 rate_limited');
  expect((await fromHome(PASSWORD)).status).toBe(201);
  // A thief of the device guesses no more often than anybody else.
  for (let number = 0; number < 20; number++) await fromHome('one guess of many');
  expect((await fromHome(PASSWORD)).status).toBe(429);
});

it('an account that sets one password after the other keeps no owner waiting', async () => {
  const { token } = await world.signUp('restless@example.org');
  const outcomes: string[] = [];
  for (let number = 0; number < 21; number++) outcomes.push(await setPassword(token));
  expect(outcomes.slice(-2)).toEqual(['200 done', '429 rate_limited']);
});

it('who guesses a password is slowed by the address, from wherever he asks; codes go on', async () => {
  const { email } = await world.signUp('guessed@example.org');
  const outcomes: string[] = [];
  for (let number = 0; number < 21; number++) outcomes.push(await outcomeOf(email, 'one guess of many'));
  expect(outcomes).toEqual([...Array(20).fill('403 password_wrong'), '429 rate_limited']);
  expect((await world.ask('POST', 'users/login', { body: { email } })).outcome).toBe('202 done');
});
