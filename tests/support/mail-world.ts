import { createSystemClock } from '../../server/platform/system/clock.ts';
import { type MailServer, startMailServer } from './mail-server.ts';
import { startTestServer, type TestServer } from './server.ts';

/** Somebody who signed in by mail. */
export interface SignedIn {
  readonly user: { readonly id: string; readonly name: string };
  readonly isNew: boolean;
  readonly token: string;
  readonly email: string;
}

/** A server with open sign-up and a mail server. */
export interface MailWorld {
  readonly server: TestServer;
  readonly mailServer: MailServer;
  readonly operator: string;
  /** Lets the server's clock go on by so much, in milliseconds. */
  advance(byMs: number): void;
  /** Lets the jobs that come back after so long run now. */
  runJobs(intervalMs: number): void;
  /** Makes an account, or signs in to the one that is there, with the code from the mail. */
  signUp(email: string, name?: string, headers?: Readonly<Record<string, string>>): Promise<SignedIn>;
  /** The next code in a mailbox: mails about passkeys and new sign-ins come between. */
  nextCode(email: string): Promise<string>;
  /** Proves with a code from the mailbox that it is them who use this token. */
  prove(token: string, email: string): Promise<void>;
  /** Asks as another client each time; the outcome is `201 done` or `403 the_code`. */
  ask(
    method: string,
    path: string,
    options?: { readonly body?: unknown; readonly token?: string },
  ): Promise<{ readonly outcome: string; readonly answer: Record<string, unknown> }>;
  close(): Promise<void>;
}

/** The code in a mail; `none`: there is none. */
export const codeIn = (text: string): string => /\b\d{8}\b/.exec(text)?.[0] ?? 'none';

/** A code that is another one. */
export const wrongOf = (code: string): string => (code === '00000000' ? '11111111' : '00000000');

async function nextCodeAt(mailServer: MailServer, email: string): Promise<string> {
  for (;;) {
    const code = codeIn((await mailServer.next(email)).text);
    if (code !== 'none') return code;
  }
}

/** Starts both, with further settings. */
export async function startMailWorld(settings: Record<string, string> = {}): Promise<MailWorld> {
  const mailServer = await startMailServer();
  const clock = createSystemClock();
  let aheadMs = 0;
  /** Work that waits to be done, with how long it waits. */
  const waiting = new Set<{ readonly delayMs: number; readonly run: () => void }>();
  const after = (delayMs: number, work: () => void) => {
    const timer = { delayMs, run: () => waiting.delete(timer) && work() };
    waiting.add(timer);
    const cancel = clock.after(delayMs, timer.run);
    return () => {
      waiting.delete(timer);
      cancel();
    };
  };
  const server = await startTestServer(
    {
      YGGDRASIL_SIGN_UP: 'open',
      YGGDRASIL_SMTP_URL: mailServer.url,
      YGGDRASIL_MAIL_FROM: 'yggdrasil@example.org',
      YGGDRASIL_TRUSTED_PROXIES: '127.0.0.1',
      ...settings,
    },
    { clock: { ...clock, after, nowMs: () => clock.nowMs() + aheadMs } },
  );
  const setUp = { code: server.setupCode, name: 'Operator' };
  const { token: operator } = await server.post<{ token: string }>('/api/v1/setup', setUp);
  let clients = 0;
  const ask: MailWorld['ask'] = async (method, path, options = {}) => {
    const headers = { 'x-forwarded-for': `198.51.100.${clients++ % 250}` };
    const { status, body: answer } = await server.request(method, `/api/v1/${path}`, { ...options, headers });
    const { error } = answer as { error?: { code: string } };
    return { outcome: `${status} ${error?.code ?? 'done'}`, answer };
  };
  const nextCode = (email: string) => nextCodeAt(mailServer, email);
  return {
    server,
    mailServer,
    operator,
    nextCode,
    async prove(token, email) {
      const { answer } = await ask('POST', 'users/me/proof/code', { token });
      const code = { codeId: answer.codeId, code: await nextCode(email) };
      const { outcome } = await ask('POST', 'users/me/proof', { token, body: { code } });
      if (outcome !== '201 done') throw new Error(`The proof was refused: ${outcome}`);
    },
    advance(byMs) {
      aheadMs += byMs;
    },
    runJobs(intervalMs) {
      for (const timer of [...waiting]) if (timer.delayMs === intervalMs) timer.run();
    },
    async signUp(email, name = 'Ann', headers = {}) {
      const { answer } = await ask('POST', 'users/register', { body: { email, name } });
      const code = codeIn((await mailServer.next(email)).text);
      const { body } = await server.request('POST', '/api/v1/users/sessions', {
        body: { codeId: answer.codeId, code },
        headers,
        expect: 201,
      });
      return { ...(body as unknown as SignedIn), email };
    },
    ask,
    async close() {
      await server.stop();
      await mailServer.close();
    },
  };
}
