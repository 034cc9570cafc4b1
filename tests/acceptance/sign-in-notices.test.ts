import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type MailWorld, startMailWorld } from '../support/mail-world.ts';
import { startTestServer } from '../support/server.ts';

let world: MailWorld;
beforeAll(async () => {
  world = await startMailWorld();
});
afterAll(() => world.close());

const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:142.0) Gecko/20100101 Firefox/142.0';
const from = (address: string, program = FIREFOX) => ({ 'x-forwarded-for': address, 'user-agent': program });

const HOME = '203.0.113.1';

const signIn = (email: string, address: string, program?: string) =>
  world.signUp(email, 'Ann', from(address, program));

/** The notices that an address got; codes are read by who signs in. */
const noticesTo = (email: string) =>
  world.mailServer.mails.filter(({ to, text }) => to === email && text.includes('from where nobody did'));

describe('a notice of a new sign-in', () => {
  it.each([
    ['another address', '203.0.113.9', FIREFOX, 'Firefox on Linux'],
    ['another program', HOME, 'curl/8.5.0', 'curl'],
    ['a program with words of its own', HOME, 'Call 555-0100! http://evil.example', 'another program'],
  ])('is sent for %s, and for nothing that was known', async (what, address, userAgent, program) => {
    const email = `${what.replaceAll(' ', '-')}@example.org`;
    await signIn(email, HOME);
    await signIn(email, HOME, FIREFOX.replaceAll('142', '143'));
    await signIn(email, address, userAgent);
    await expect.poll(() => noticesTo(email), { timeout: 60_000 }).toHaveLength(1);
    const [{ text } = { text: '' }] = noticesTo(email);
    expect(text).toContain(`Address: ${address}\n`);
    expect(text).toContain(`Program: ${program}\n`);
    expect(text).not.toContain('evil');
  });
});

it('a server without a mail server notes nothing, and shows codes alone on its terminal', async () => {
  const shown: string[] = [];
  const server = await startTestServer(
    { YGGDRASIL_SIGN_UP: 'open', YGGDRASIL_TRUSTED_PROXIES: '127.0.0.1' },
    { print: (text) => shown.push(text) },
  );
  try {
    for (const address of ['192.0.2.1', '192.0.2.2']) {
      const headers = from(address);
      const body = { email: 'ann@example.org', name: 'Ann' };
      const sent = await server.request('POST', '/api/v1/users/register', { body, headers });
      const code = /\b\d{8}\b/.exec(shown.at(-1) ?? '')?.[0];
      const entering = { body: { codeId: sent.body.codeId, code }, headers, expect: 201 };
      await server.request('POST', '/api/v1/users/sessions', entering);
    }
  } finally {
    // What runs is waited for.
    await server.stop();
  }
  expect(shown).toHaveLength(2);
});
