import { InvalidArgumentError } from 'commander';
import { readLogins } from './login-file.ts';
import type { ServerOptions } from './server-options.ts';

const DEFAULT_SERVER = 'http://127.0.0.1:8080';

/** A server and who asks it. */
export interface ServerAccess {
  /** Its origin, with http or https. */
  readonly origin: string;
  /** Null: nobody. */
  readonly token: string | null;
  /** Null: the account's own. */
  readonly tenantId: string | null;
}

/** The server that is meant, without its path: by its option or variable, else that of the login, else this machine's. */
export function originOf(server: string | undefined): string {
  const url = new URL(server ?? readLogins().current ?? DEFAULT_SERVER);
  return `${url.protocol.replace(/^ws/, 'http')}//${url.host}`;
}

/** Server and credential: by options and variables, else of the login. A token of the login is for its own server alone. */
export function findAccess({ server, token, tenant }: ServerOptions): ServerAccess {
  const origin = originOf(server);
  return {
    origin,
    token: token ?? readLogins().tokens[origin] ?? null,
    tenantId: tenant ?? null,
  };
}

/** As `findAccess`. Throws an InvalidArgumentError, which says how to give one, where there is no credential. */
export function requireAccess(
  options: ServerOptions,
  ways = '--token, or YGGDRASIL_TOKEN',
): ServerAccess & { readonly token: string } {
  const access = findAccess(options);
  if (access.token === null) throw new InvalidArgumentError(`Run "yggdrasil login", or give ${ways}.`);
  return { ...access, token: access.token };
}

/** The server's address of a WebSocket, as it was given where that has a path. */
export function socketUrl(server: string | undefined, path: '/bifrost' | '/ratatoskr'): string {
  const given = new URL(server ?? originOf(undefined));
  if (given.pathname === '/') given.pathname = path;
  given.protocol = given.protocol.replace(/^http/, 'ws');
  return given.href;
}
