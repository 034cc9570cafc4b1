import { describe, expect, it } from 'vitest';
import type { AccountStore } from '../../../server/domains/accounts/ports.ts';
import { createAccountTokens } from '../../../server/domains/accounts/tokens.ts';
import { newOwner, TEST_CREDENTIAL_ID } from '../../support/actors.ts';
import { FakeClock } from '../../support/clock.ts';
import { createSeededRandom } from '../../support/random.ts';

/** A service whose store answers a revocation like this, and what was ended. */
function world(removeToken: AccountStore['removeToken']) {
  const ended: string[] = [];
  const tokens = createAccountTokens({
    store: { removeToken } as AccountStore,
    live: { endCredential: (accountId, credentialId) => void ended.push(`${accountId} ${credentialId}`) },
    clock: new FakeClock(),
    random: createSeededRandom(1),
    hash: (secret) => Buffer.from(secret),
  });
  return { tokens, ended };
}

const owner = newOwner();
const OWN = [`${owner.accountId} ${TEST_CREDENTIAL_ID}`];

describe('what was opened with a token', () => {
  it('ends when the token was revoked', async () => {
    const { tokens, ended } = world(async () => 'removed');
    await tokens.revokeToken(owner, TEST_CREDENTIAL_ID);
    expect(ended).toEqual(OWN);
  });

  it.each([
    ['not_found', 'token_not_found'],
    ['last_token', 'last_token'],
    ['credential_gone', 'unauthenticated'],
  ] as const)('stays when the revocation was refused: %s', async (outcome, code) => {
    const { tokens, ended } = world(async () => outcome);
    await expect(tokens.revokeToken(owner, TEST_CREDENTIAL_ID)).rejects.toMatchObject({ code });
    expect(ended).toEqual([]);
  });

  it('ends where nobody knows whether the token was revoked', async () => {
    const { tokens, ended } = world(() => Promise.reject(new Error('the commit was not confirmed')));
    await expect(tokens.revokeToken(owner, TEST_CREDENTIAL_ID)).rejects.toThrow('not confirmed');
    expect(ended).toEqual(OWN);
  });
});

describe('what was opened with the token of a sign-in', () => {
  const signOut = async (isSession: boolean) => {
    const ended: string[] = [];
    const tokens = createAccountTokens({
      store: { removeSession: async () => isSession } as unknown as AccountStore,
      live: { endCredential: (accountId, credentialId) => void ended.push(`${accountId} ${credentialId}`) },
      clock: new FakeClock(),
      random: createSeededRandom(1),
      hash: (secret) => Buffer.from(secret),
    });
    return { isSignedOut: await tokens.signOut(owner), ended };
  };

  it('ends when it signs out', async () => {
    expect(await signOut(true)).toEqual({ isSignedOut: true, ended: OWN });
  });

  it('stays where the token is another kind', async () => {
    expect(await signOut(false)).toEqual({ isSignedOut: false, ended: [] });
  });
});
