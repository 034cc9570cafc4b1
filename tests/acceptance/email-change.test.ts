import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { codeIn, type MailWorld, startMailWorld, wrongOf } from '../support/mail-world.ts';

let world: MailWorld;
beforeAll(async () => {
  world = await startMailWorld();
});
afterAll(() => world.close());

const begin = async (token: string, email: string) => {
  const { outcome, answer } = await world.ask('POST', 'users/me/email', { body: { email }, token });
  return { outcome, answer, changeId: String(answer.changeId) };
};

const confirm = async (token: string, body: { changeId: string; newCode: string; currentCode?: string }) =>
  (await world.ask('POST', 'users/me/email/confirm', { body, token })).outcome;

const codeOf = async (email: string) => codeIn((await world.mailServer.next(email)).text);

const emailOf = async (token: string) =>
  (await world.server.get<{ email: string | null }>('/api/v1/users/me', token)).email;

/** Begins a change and reads both mails. */
const beginAndRead = async (token: string, from: string, to: string) => {
  const { outcome, changeId } = await begin(token, to);
  expect(outcome).toBe('202 done');
  return { changeId, newCode: await codeOf(to), currentCode: await codeOf(from) };
};

describe('a change of address', () => {
  it('is made with the codes from both mails, once, and the old address opens nothing any more', async () => {
    const { token, user } = await world.signUp('ann@example.org');
    const { outcome, answer } = await begin(token, ' Anna@Example.org ');
    expect([outcome, answer.confirmsCurrent]).toEqual(['202 done', true]);
    const codes = {
      changeId: String(answer.changeId),
      newCode: await codeOf('anna@example.org'),
      currentCode: await codeOf('ann@example.org'),
    };
    expect(await confirm(token, codes)).toBe('200 done');
    expect(await emailOf(token)).toBe('anna@example.org');
    expect((await world.mailServer.next('ann@example.org')).text).toMatch(/has another address/);
    expect(await confirm(token, codes)).toBe('403 sign_in_code_wrong');
    expect((await world.signUp('anna@example.org')).user.id).toBe(user.id);
    expect((await world.signUp('ann@example.org')).isNew).toBe(true);
  });

  it('needs the code of the present address, too, and neither code fits in the place of the other', async () => {
    const { token } = await world.signUp('both@example.org');
    const { changeId, newCode, currentCode } = await beginAndRead(
      token,
      'both@example.org',
      'both2@example.org',
    );
    for (const codes of [
      { newCode },
      { newCode, currentCode: wrongOf(currentCode) },
      { newCode: wrongOf(newCode), currentCode },
      { newCode: currentCode, currentCode: newCode },
    ]) {
      expect(await confirm(token, { changeId, ...codes })).toBe('403 sign_in_code_wrong');
    }
    expect(await emailOf(token)).toBe('both@example.org');
    expect(await confirm(token, { changeId, newCode, currentCode })).toBe('200 done');
  });

  it('ends after five wrong tries, and after ten minutes', async () => {
    const { token } = await world.signUp('tries@example.org');
    const first = await beginAndRead(token, 'tries@example.org', 'tries2@example.org');
    for (let number = 0; number < 5; number++) {
      expect(await confirm(token, { ...first, newCode: wrongOf(first.newCode) })).toBe(
        '403 sign_in_code_wrong',
      );
    }
    expect(await confirm(token, first)).toBe('403 sign_in_code_wrong');
    const second = await beginAndRead(token, 'tries@example.org', 'tries2@example.org');
    world.advance(10 * 60_000 + 1);
    expect(await confirm(token, second)).toBe('403 sign_in_code_wrong');
    expect(await emailOf(token)).toBe('tries@example.org');
  });

  it('is confirmed by its own account alone', async () => {
    const { token } = await world.signUp('victim@example.org');
    const mallory = await world.signUp('mallory@example.org');
    const codes = await beginAndRead(token, 'victim@example.org', 'victim2@example.org');
    expect(await confirm(mallory.token, codes)).toBe('403 sign_in_code_wrong');
    expect(await confirm(token, codes)).toBe('200 done');
  });

  it('to an address that has an account is answered like any other, and its mail has no code', async () => {
    const { token } = await world.signUp('asker@example.org');
    const owner = await world.signUp('owner@example.org');
    const taken = await begin(token, 'owner@example.org');
    const free = await begin(token, 'nobody@example.org');
    const shapeOf = ({ outcome, answer }: typeof taken) => [outcome, Object.keys(answer)];
    expect(shapeOf(taken)).toEqual(shapeOf(free));
    const mail = await world.mailServer.next('owner@example.org');
    expect([mail.text, codeIn(mail.text)]).toEqual([expect.stringMatching(/has an account already/), 'none']);
    const currentCode = await codeOf('asker@example.org');
    expect(await confirm(token, { changeId: taken.changeId, newCode: '12345678', currentCode })).toBe(
      '403 sign_in_code_wrong',
    );
    expect(await emailOf(owner.token)).toBe('owner@example.org');
  });

  it('to an address that somebody takes meanwhile is refused as a wrong code is', async () => {
    const { token } = await world.signUp('slow@example.org');
    const codes = await beginAndRead(token, 'slow@example.org', 'wanted@example.org');
    await world.signUp('wanted@example.org');
    expect(await confirm(token, codes)).toBe('403 sign_in_code_wrong');
    expect(await emailOf(token)).toBe('slow@example.org');
  });

  it('of two that were begun is made once: the other was begun with an address that is gone', async () => {
    const { token } = await world.signUp('two@example.org');
    const first = await beginAndRead(token, 'two@example.org', 'two-a@example.org');
    const second = await beginAndRead(token, 'two@example.org', 'two-b@example.org');
    const outcomes = await Promise.all([confirm(token, first), confirm(token, second)]);
    expect(outcomes.sort()).toEqual(['200 done', '403 sign_in_code_wrong']);
  });

  it('of an account without an address is confirmed by the new one alone', async () => {
    const { token } = await world.server.post<{ token: string }>(
      '/api/v1/users',
      { name: 'Carol' },
      world.operator,
    );
    const { answer, changeId } = await begin(token, 'carol@example.org');
    expect(answer.confirmsCurrent).toBe(false);
    expect(await confirm(token, { changeId, newCode: await codeOf('carol@example.org') })).toBe('200 done');
    expect(await emailOf(token)).toBe('carol@example.org');
  });

  it('is refused for the address that one has, and for a sixth one within an hour', async () => {
    const { token } = await world.signUp('often@example.org');
    expect((await begin(token, 'often@example.org')).outcome).toBe('400 invalid_input');
    const outcomes: string[] = [];
    for (let number = 0; number < 6; number++) {
      outcomes.push((await begin(token, `often${number}@example.org`)).outcome);
    }
    expect(outcomes).toEqual([...Array(5).fill('202 done'), '429 rate_limited']);
  });

  it('sends no more codes to one address than signing in does, whoever asks', async () => {
    const outcomes: string[] = [];
    const flooders = [];
    for (const number of [0, 1, 2]) flooders.push(await world.signUp(`flooder${number}@example.org`));
    for (let number = 0; number < 11; number++) {
      const { token } = flooders[number % 3] as (typeof flooders)[number];
      outcomes.push((await begin(token, 'flooded@example.org')).outcome);
    }
    expect(outcomes.filter((outcome) => outcome === '202 done')).toHaveLength(10);
    expect(outcomes.at(-1)).toBe('429 rate_limited');
  });
});
