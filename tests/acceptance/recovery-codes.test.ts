import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { codeIn, type MailWorld, type SignedIn, startMailWorld } from '../support/mail-world.ts';

let world: MailWorld;
beforeAll(async () => {
  world = await startMailWorld();
});
afterAll(() => world.close());

const DAYS_7_MS = 7 * 86_400_000;

const makeCodes = async ({ token, email }: Pick<SignedIn, 'token' | 'email'>) => {
  const path = '/api/v1/users/me/recovery-codes';
  const { codes } = await world.server.post<{ codes: string[] }>(path, undefined, token);
  expect((await world.mailServer.next(email)).text).toMatch(/New recovery codes were made/);
  return codes;
};

const recover = async (code = '') => {
  const { outcome, answer } = await world.ask('POST', 'users/recover', { body: { code } });
  return { outcome, token: String(answer.token) };
};

const leftOf = async (token: string) =>
  (await world.server.get<{ left: number }>('/api/v1/users/me/recovery-codes', token)).left;

describe('a recovery code', () => {
  it('signs its account in once, typed as people type it, and its address hears of it', async () => {
    const ann = await world.signUp('ann@example.org');
    const { token } = ann;
    const codes = await makeCodes(ann);
    expect(new Set(codes).size).toBe(10);
    for (const code of codes) expect(code).toMatch(/^([BCDFGHJKLMNPQRSTVWXZ]{4}-?){5}$/);
    const typed = codes[0]?.toLowerCase().replaceAll('-', ' ');
    const recovered = await recover(typed);
    expect(recovered.outcome).toBe('201 done');
    const self = await world.server.get<{ email: string }>('/api/v1/users/me', recovered.token);
    expect(self.email).toBe('ann@example.org');
    expect((await world.mailServer.next('ann@example.org')).text).toMatch(/9 are left/);
    expect((await recover(codes[0])).outcome).toBe('403 sign_in_code_wrong');
    const both = await Promise.all([recover(codes[1]), recover(codes[1])]);
    expect(both.map(({ outcome }) => outcome).sort()).toEqual(['201 done', '403 sign_in_code_wrong']);
    expect(await leftOf(token)).toBe(8);
    for (const code of codes) expect(JSON.stringify(world.server.logs)).not.toContain(code);
  });

  it('is nothing any more when there are new ones', async () => {
    const bob = await world.signUp('bob@example.org');
    const { token } = bob;
    const [old] = await makeCodes(bob);
    const [fresh] = await makeCodes(bob);
    expect((await recover(old)).outcome).toBe('403 sign_in_code_wrong');
    expect((await recover(fresh)).outcome).toBe('201 done');
    expect(await leftOf(token)).toBe(9);
  });

  it('takes the place of a lost mailbox in a change of address, its own account’s alone', async () => {
    const lost = await world.signUp('lost@example.org');
    const mallory = await world.signUp('mallory@example.org');
    const [code, entrance] = await makeCodes(lost);
    const [foreign] = await makeCodes(mallory);
    world.advance(DAYS_7_MS);
    const { token } = await recover(entrance);
    const { answer } = await world.ask('POST', 'users/me/email', {
      body: { email: 'found@example.org' },
      token,
    });
    const newCode = codeIn((await world.mailServer.next('found@example.org')).text);
    const confirm = async (recoveryCode: string | undefined, given = newCode) => {
      const body = { changeId: answer.changeId, newCode: given, recoveryCode };
      return (await world.ask('POST', 'users/me/email/confirm', { body, token })).outcome;
    };
    expect(await confirm(undefined)).toBe('403 sign_in_code_wrong');
    expect(await confirm(foreign)).toBe('403 sign_in_code_wrong');
    expect(await confirm(code, newCode === '00000000' ? '11111111' : '00000000')).toBe(
      '403 sign_in_code_wrong',
    );
    expect(await confirm(code)).toBe('200 done');
    expect([await leftOf(token), await leftOf(mallory.token)]).toEqual([8, 10]);
    expect((await world.signUp('found@example.org')).isNew).toBe(false);
  });

  it('that was made just now takes no mailbox’s place: a stolen token makes codes, too', async () => {
    const ann = await world.signUp('robbed@example.org');
    const [code, entrance] = await makeCodes(ann);
    world.advance(DAYS_7_MS - 60_000);
    const { token } = await recover(entrance);
    const { answer } = await world.ask('POST', 'users/me/email', {
      body: { email: 'thief@example.org' },
      token,
    });
    const newCode = codeIn((await world.mailServer.next('thief@example.org')).text);
    const body = { changeId: answer.changeId, newCode, recoveryCode: code };
    const { outcome } = await world.ask('POST', 'users/me/email/confirm', { body, token });
    expect(outcome).toBe('403 sign_in_code_wrong');
    expect(await leftOf(token)).toBe(9);
  });

  it('is guessed by nobody: an address tries twenty a minute', async () => {
    const outcomes: number[] = [];
    for (let number = 0; number < 21; number++) {
      const { status } = await world.server.request('POST', '/api/v1/users/recover', {
        body: { code: 'BCDF-GHJK-LMNP-QRST-VWXZ' },
        headers: { 'x-forwarded-for': '192.0.2.9' },
      });
      outcomes.push(status);
    }
    expect(outcomes).toEqual([...Array(20).fill(403), 429]);
  });
});
