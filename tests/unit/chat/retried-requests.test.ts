import { describe, expect, it } from 'vitest';
import type { AccountActor } from '../../../server/kernel/actor.ts';
import { AppError } from '../../../server/kernel/errors.ts';
import { type AccountId, asId, type CredentialId, type TenantId } from '../../../server/kernel/ids.ts';
import { RETRIED_BYTES_OF_ACCOUNT_MAX, RETRIED_KEPT_MS } from '../../../server/transports/chat/limits.ts';
import { RetriedRequests } from '../../../server/transports/chat/retried-requests.ts';
import { FakeClock, turn } from '../../support/clock.ts';

const actorOf = (name: string): AccountActor => ({
  kind: 'account',
  tenantId: asId<TenantId>(`tenant of ${name}`),
  accountId: asId<AccountId>(name),
  credentialId: asId<CredentialId>(`credential of ${name}`),
  role: 'owner',
  networkIds: null,
  operator: false,
});

const requestOf = (text: string, retries: number, signal = new AbortController().signal) => ({
  path: '/v1/chat/completions',
  body: new TextEncoder().encode(text),
  header: (name: string) => (name === 'x-stainless-retry-count' ? String(retries) : undefined),
  signal,
});

/** Retried requests, and how often each text was carried out. */
function world() {
  const clock = new FakeClock();
  const retried = new RetriedRequests({ clock });
  const carriedOut: string[] = [];
  const ask = (name: string, text: string, retries: number, bytes = 10) =>
    retried.serve(actorOf(name), requestOf(text, retries), async () => {
      carriedOut.push(text);
      return { status: 200, body: 'x'.repeat(bytes) };
    });
  return { clock, retried, carriedOut, ask };
}

describe('answers that are kept for official clients', () => {
  it('take their bytes from the account that asked, its oldest first, and from no other', async () => {
    const { carriedOut, ask } = world();
    await ask('bob', 'of bob', 0);
    for (const text of ['one', 'two', 'three']) await ask('alice', text, 0, RETRIED_BYTES_OF_ACCOUNT_MAX / 2);
    for (const text of ['three', 'two', 'one']) await ask('alice', text, 1);
    await ask('bob', 'of bob', 1);
    expect(carriedOut).toEqual(['of bob', 'one', 'two', 'three', 'one']);
  });

  it('are not guessed among several that were answered', async () => {
    const { carriedOut, ask } = world();
    await Promise.all([ask('alice', 'same', 0), ask('alice', 'same', 0)]);
    await ask('alice', 'same', 1);
    expect(carriedOut).toEqual(['same', 'same', 'same']);
  });

  it('leave nothing behind when they make room for others', async () => {
    const { clock, ask } = world();
    for (let count = 0; count < 20; count++)
      await ask('alice', String(count), 0, RETRIED_BYTES_OF_ACCOUNT_MAX / 4);
    // A timer that waits has its answer in memory, for as long as it waits.
    expect(clock.pending).toBe(4);
    clock.advance(RETRIED_KEPT_MS);
    expect(clock.pending).toBe(0);
  });

  it('are not made any more when the credential is revoked, though its client is long gone', async () => {
    const { retried } = world();
    const client = new AbortController();
    const credential = new AbortController();
    const request = { ...requestOf('same', 0, client.signal), revoked: credential.signal };
    let work: AbortSignal | null = null;
    const asked = retried
      .serve(actorOf('alice'), request, ({ signal }) => {
        work = signal;
        return new Promise(() => {});
      })
      .catch(() => null);
    await turn(1);
    client.abort(new Error('the client went away'));
    expect((work as AbortSignal | null)?.aborted).toBe(false);
    credential.abort(new AppError('unauthenticated', 'unauthenticated', 'Revoked.'));
    expect((work as AbortSignal | null)?.aborted).toBe(true);
    void asked;
  });
});
