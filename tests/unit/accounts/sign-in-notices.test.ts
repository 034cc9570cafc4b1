import { describe, expect, it } from 'vitest';
import { programOf } from '../../../server/domains/accounts/programs.ts';
import { createSignInNotices } from '../../../server/domains/accounts/sign-in-notices.ts';
import { type AccountId, asId, type TenantId } from '../../../server/kernel/ids.ts';
import { FakeClock } from '../../support/clock.ts';
import { uuid } from '../../support/frames.ts';
import { createMemoryLogger } from '../../support/logger.ts';

const account = {
  id: asId<AccountId>(uuid(1)),
  homeTenantId: asId<TenantId>(uuid(2)),
  name: 'Ann',
  operator: false,
  createdAtMs: 0,
};
const origin = { client: '192.0.2.1', userAgent: null };

/** Notices over a store that answers so. */
function noticesOver(noteSignIn: () => Promise<string | null>) {
  const { logger, lines } = createMemoryLogger();
  const mails: unknown[] = [];
  const notices = createSignInNotices({
    signIns: { noteSignIn },
    noticeMail: { send: (mail) => mails.push(mail) },
    passwordsOn: false,
    clock: new FakeClock(),
    hash: () => new Uint8Array(32),
    logger,
  });
  return { notices, lines, mails };
}

describe('a notice', () => {
  it('that the database refuses stands in the log, and nobody else hears of it', async () => {
    const { notices, lines, mails } = noticesOver(() => Promise.reject(new Error('no database')));
    notices.note(account, false, origin);
    await expect.poll(() => lines).toMatchObject([{ fields: { operation: 'users.signInNotice' } }]);
    expect(mails).toEqual([]);
  });

  it('is not waited for, and a thousand wait at most', async () => {
    let asked = 0;
    const { notices, lines } = noticesOver(() => {
      asked++;
      return new Promise(() => {});
    });
    for (let number = 0; number < 1_002; number++) notices.note(account, false, origin);
    await expect.poll(() => asked).toBe(1);
    expect(lines).toHaveLength(2);
  });
});

describe('a program', () => {
  it.each([
    [
      'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0',
      'Edge on Windows',
    ],
    [
      'Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36',
      'Chrome on Android',
    ],
    [
      'Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1',
      'Safari on iOS',
    ],
    [
      'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/605.1.15',
      'Safari on macOS',
    ],
    ['curl/8.5.0', 'curl'],
    ['', 'another program'],
    [null, 'another program'],
    ['not a curl/8', 'another program'],
  ])('%s is called by words of ours', (userAgent, name) => {
    expect(programOf(userAgent)).toBe(name);
  });
});
