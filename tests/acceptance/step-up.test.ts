import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type MailWorld, startMailWorld, wrongOf } from '../support/mail-world.ts';
import { PAGE, passkeysIn } from '../support/passkey-world.ts';

let world: MailWorld;
let people: ReturnType<typeof passkeysIn>;
beforeAll(async () => {
  world = await startMailWorld({ YGGDRASIL_PUBLIC_URL: PAGE.origin });
  people = passkeysIn(world);
});
afterAll(() => world.close());

const MINUTES_10_MS = 10 * 60_000;
const UNKNOWN_ID = '00000000-0000-4000-8000-00000000dead';

const PROOF = 'users/me/proof';
const RECOVERY_CODES = 'users/me/recovery-codes';

/** What a thief of a token would do first. */
const DECLARED = [
  'devices.mqttLogin.set',
  'devices.tokens.rotate',
  'invitations.create',
  'members.add',
  'members.update',
  'oauth.requests.decide',
  'payments.standing.confirm',
  'tenants.handOver',
  'users.apiKeys.create',
  'users.deleteSelf',
  'users.email.change',
  'users.exportSelf',
  'users.passkeys.begin',
  'users.passkeys.create',
  'users.passkeys.remove',
  'users.password.remove',
  'users.password.set',
  'users.recoveryCodes.create',
  'users.secondFactor.set',
  'users.tokens.create',
];

const declared = () => world.server.catalogue.rest.filter(({ needsProof }) => needsProof === true);

/** Asks for an operation with nothing but a token; the outcome, and what would prove it. */
async function askFor({ method, path }: { method: string; path: string }, token: string) {
  const { outcome, answer } = await world.ask(
    method,
    path.slice('/api/v1/'.length).replace(/:\w+/g, UNKNOWN_ID),
    {
      token,
    },
  );
  const { details } = (answer.error ?? {}) as { details?: { accepted?: readonly string[] } };
  return { outcome, accepted: details?.accepted };
}

describe('an operation that takes a fresh proof', () => {
  it('is one of these', () => {
    const names = declared().map(({ operation }) => operation);
    expect(names.sort()).toEqual(DECLARED);
  });

  it('is refused without one, to a session and a token alike, and to an API key with any', async () => {
    const { operator } = world;
    const key = await people.post<{ secret: string }>(
      'users/me/api-keys',
      { name: 'Key', operations: ['*'] },
      operator,
    );
    const made = await people.post<{ codes: string[] }>(RECOVERY_CODES, undefined, operator);
    const entered = await people.post<{ token: string }>('users/recover', { code: made.answer.codes[0] });
    for (const operation of declared()) {
      expect((await askFor(operation, key.answer.secret)).outcome, operation.operation).toBe('403 forbidden');
    }
    world.advance(MINUTES_10_MS);
    for (const operation of declared()) {
      for (const token of [operator, entered.answer.token]) {
        expect(await askFor(operation, token), operation.operation).toEqual({
          outcome: '403 step_up_required',
          accepted: ['recovery_code'],
        });
      }
    }
    const denials = async () => {
      const path = '/api/v1/audit?limit=200';
      const { items } = await world.server.get<{ items: object[] }>(path, entered.answer.token);
      return items;
    };
    await expect
      .poll(denials, { timeout: 30_000, interval: 500 })
      .toContainEqual(expect.objectContaining({ operation: 'members.add', outcome: 'step_up_required' }));
    const proof = { recoveryCode: made.answer.codes[1] };
    expect((await people.post(PROOF, proof, entered.answer.token)).outcome).toBe('201 done');
    // The only operator stays, whoever asks.
    for (const operation of declared()) {
      expect((await askFor(operation, entered.answer.token)).outcome, operation.operation).not.toMatch(
        /step_up/,
      );
    }
  });
});

describe('a proof', () => {
  const email = 'new@example.org';
  const change = (token: string) =>
    askFor({ method: 'POST', path: '/api/v1/users/me/recovery-codes' }, token);

  it('is a code from the mailbox, of this account alone, once, for ten minutes and this token', async () => {
    const ann = await world.signUp('ann@example.org');
    const { answer } = await people.post<{ secret: string }>(
      'users/me/tokens',
      { name: 'Laptop' },
      ann.token,
    );
    expect(await change(answer.secret)).toEqual({ outcome: '403 step_up_required', accepted: ['code'] });
    const sent = await people.post<{ codeId: string }>(`${PROOF}/code`, undefined, answer.secret);
    expect(sent.outcome).toBe('202 done');
    const code = await world.nextCode(ann.email);
    const prove = async (body: object, token = answer.secret) =>
      (await people.post(PROOF, body, token)).outcome;
    const { codeId } = sent.answer;
    expect(await prove({ code: { codeId, code: wrongOf(code) } })).toBe('403 sign_in_code_wrong');
    expect(await prove({ code: { codeId, code } })).toBe('201 done');
    expect(await prove({ code: { codeId, code } })).toBe('403 sign_in_code_wrong');
    expect((await change(answer.secret)).outcome).toBe('201 done');

    const bob = await world.signUp('bob@example.org');
    const bobs = await people.post<{ codeId: string }>('users/login', { email: bob.email });
    const bobsCode = { codeId: bobs.answer.codeId, code: await world.nextCode(bob.email) };
    world.advance(MINUTES_10_MS - 60_000);
    expect(await prove({ code: bobsCode })).toBe('403 sign_in_code_wrong');
    world.advance(60_000);
    expect((await change(ann.token)).outcome).toBe('403 step_up_required');
  });

  it('is a passkey alone where there is one, of this account, and a sign-in with it is one', async () => {
    const carol = await world.signUp(email);
    const enter = async () => {
      const sent = await people.post<{ codeId: string }>('users/login', { email });
      const code = { codeId: sent.answer.codeId, code: await world.nextCode(email) };
      return (await people.post<{ token: string }>('users/sessions', code)).answer.token;
    };
    const before = await enter();
    expect((await change(before)).outcome).toBe('201 done');
    const phone = await people.make(carol.token);
    // Whoever reads the mailbox takes no passkey away that was made meanwhile.
    expect(await change(before)).toEqual({ outcome: '403 step_up_required', accepted: ['passkey'] });
    const mallory = await world.signUp('mallory@example.org');
    const foreign = await people.make(mallory.token);
    // The mailbox proves nothing any more.
    const token = await enter();
    expect(await change(token)).toEqual({ outcome: '403 step_up_required', accepted: ['passkey'] });
    expect((await people.post(`${PROOF}/code`, undefined, token)).outcome).toBe('403 step_up_required');
    const foreignProof = { passkey: await people.prove(foreign, token) };
    expect((await people.post(PROOF, foreignProof, token)).outcome).toBe('403 passkey_refused');
    const proof = { passkey: await people.prove(phone, token) };
    expect((await people.post(PROOF, proof, mallory.token)).outcome).toBe('403 passkey_refused');
    expect((await people.post(PROOF, proof, token)).outcome).toBe('201 done');
    expect((await people.post(PROOF, proof, token)).outcome).toBe('403 passkey_refused');
    expect((await change(token)).outcome).toBe('201 done');
    expect((await change((await people.signIn(phone)).answer.token)).outcome).toBe('201 done');
  });
});
