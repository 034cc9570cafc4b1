import { hostname } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { loginFile, readLogins, writeLogins } from '../node/login-file.ts';
import { printDone, printJson } from '../node/print.ts';
import { answerIn, fetchFrom, RefusedError, restApi } from '../node/rest-api.ts';
import { originOf } from '../node/server-access.ts';
import { printableLines } from '../node/terminal.ts';

/** The options of `login`. */
export interface LoginOptions {
  readonly server?: string;
  readonly token?: string;
  readonly json?: boolean;
}

/** The options of `logout`. */
export interface LogoutOptions {
  readonly server?: string;
  readonly json?: boolean;
}

/** What a login waits by: tests give their own. */
export interface LoginDependencies {
  readonly pause: (ms: number) => Promise<unknown>;
}

/** RFC 8628 section 3.2. */
interface Opened {
  readonly device_code: string;
  readonly user_code: string;
  readonly verification_uri: string;
  readonly verification_uri_complete: string;
  readonly expires_in: number;
  readonly interval: number;
}

interface Collected {
  readonly access_token?: string;
  readonly error?: string;
  readonly error_description?: string;
}

const DEVICE_CODE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code';
/** RFC 8628 section 3.5: so much longer from then on, in seconds. */
const SLOWER_BY_SECONDS = 5;
const HOST_CHARACTERS_MAX = 40;

/** `yggdrasil login`: asks to be let in (RFC 8628), and keeps the token. Throws an Error where nobody lets it in. */
export async function logIn(
  options: LoginOptions,
  dependencies: LoginDependencies = { pause },
): Promise<void> {
  const origin = originOf(options.server);
  const token = options.token ?? (await letIn(origin, options, dependencies));
  const { id, name } = await restApi({ server: origin, token }).ask<{ id: string; name: string }>(
    'GET',
    '/api/v1/users/me',
  );
  writeLogins({ current: origin, tokens: { ...readLogins().tokens, [origin]: token } });
  const file = loginFile();
  printDone(options, { server: origin, userId: id, name, file }, `Signed in at ${origin}; kept in ${file}.`);
}

/** `yggdrasil logout`: ends the token at the server, and forgets it. */
export async function logOut(options: LogoutOptions): Promise<void> {
  const origin = originOf(options.server);
  const { current, tokens } = readLogins();
  const { [origin]: token, ...others } = tokens;
  if (token === undefined) throw new Error(`You are not signed in at ${origin}.`);
  const ended = await endToken(origin, token);
  writeLogins({ current: current === origin ? (Object.keys(others)[0] ?? null) : current, tokens: others });
  const text = ended ? 'the token is worth nothing any more' : 'the token itself stays good: revoke it';
  printDone(options, { server: origin, ended }, `Signed out at ${origin}: ${text}.`);
}

async function letIn(
  origin: string,
  { json }: LoginOptions,
  dependencies: LoginDependencies,
): Promise<string> {
  const client = `yggdrasil on ${hostname().slice(0, HOST_CHARACTERS_MAX)}`;
  const opened = await post<Opened & Collected>(origin, 'device_authorization', { client_id: client });
  if (opened.error !== undefined) throw refusalOf(opened);
  if (json === true) {
    printJson({
      userCode: opened.user_code,
      verificationUri: opened.verification_uri,
      verificationUriComplete: opened.verification_uri_complete,
      expiresInSeconds: opened.expires_in,
    });
  } else {
    const { verification_uri: page, verification_uri_complete: direct, user_code: code } = opened;
    process.stderr.write(printableLines(`Open ${page} and type ${code}\n  or open ${direct}\n`));
  }
  for (let seconds = opened.interval; ; ) {
    await dependencies.pause(seconds * 1000);
    const collected = await post<Collected>(origin, 'token', {
      grant_type: DEVICE_CODE_GRANT,
      device_code: opened.device_code,
      client_id: client,
    });
    if (collected.access_token !== undefined) return collected.access_token;
    if (collected.error === 'slow_down') seconds += SLOWER_BY_SECONDS;
    else if (collected.error !== 'authorization_pending') throw refusalOf(collected);
  }
}

const refusalOf = ({ error, error_description: description }: Collected): Error =>
  new Error(`The server refuses: ${error}: ${description}`);

async function post<Answer>(
  origin: string,
  path: string,
  form: Readonly<Record<string, string>>,
): Promise<Answer> {
  const response = await fetchFrom(origin, `/api/v1/oauth/${path}`, {
    method: 'POST',
    body: new URLSearchParams(form),
  });
  const text = await response.text();
  // Whatever else stands in the way refuses as everywhere else.
  if (!response.ok && !isOAuthError(text)) throw new RefusedError(response.status, text);
  return answerIn<Answer>(origin, text);
}

/** OAuth's errors are words. */
function isOAuthError(text: string): boolean {
  try {
    return typeof (JSON.parse(text) as { error?: unknown } | null)?.error === 'string';
  } catch {
    return false;
  }
}

/** True where the token is worth nothing from now on. An API key can't end itself, and nobody's last token is ended. */
async function endToken(server: string, token: string): Promise<boolean> {
  const api = restApi({ server, token });
  try {
    const { signedOut } = await api.ask<{ signedOut: boolean }>('POST', '/api/v1/users/logout');
    if (signedOut) return true;
    for await (const { id, inUse } of api.list<{ id: string; inUse: boolean }>('/api/v1/users/me/tokens')) {
      if (!inUse) continue;
      await api.ask('DELETE', `/api/v1/users/me/tokens/${id}`);
      return true;
    }
    return false;
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error;
    return error.status === 401;
  }
}
