import { join } from 'node:path';
import postgres from 'postgres';
import { StartError } from '../../kernel/start-error.ts';
import { CONNECT_TIMEOUT_MS, RECONNECT_DELAY_MS } from './limits.ts';

/** Rows of the client: BIGINT as bigint. */
export type Client = postgres.Sql<{ bigint: bigint }>;

/** The name of PostgreSQL's unix socket. */
export const socketFile = (port: string): string => `.s.PGSQL.${port}`;

/** How one set of connections differs from another. */
export interface ConnectOptions {
  readonly connectionsMax: number;
  /** The role the session runs as from its first statement; without it, the user who logs in. */
  readonly role?: string;
  /** More settings of the session, as PostgreSQL names them. */
  readonly settings?: Readonly<Record<string, string>>;
  /** How long a connection may take to be made; `CONNECT_TIMEOUT_MS` unless said. */
  readonly connectTimeoutMs?: number;
  /** A connection that ended, wanted or not. */
  readonly onEnd?: () => void;
}

/**
 * A client for `postgres://user:password@host:port/database`, or with `?host=/folder` the unix socket in that folder,
 * as libpq has it. Connects at the first statement. All tables are looked for in schema `yggdrasil`.
 */
export function connect(url: string, options: ConnectOptions): Client {
  const target = new URL(url);
  const socketDirectory = target.searchParams.get('host');
  target.searchParams.delete('host');
  return postgres(target.toString(), {
    max: options.connectionsMax,
    connect_timeout: (options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS) / 1000,
    // Without it the client waits up to 20 s between two tries, also when the database is back.
    backoff: () => RECONNECT_DELAY_MS / 1000,
    // As a path: the client takes a host with a comma for several.
    ...(socketDirectory === null ? {} : { path: join(socketDirectory, socketFile(target.port || '5432')) }),
    connection: {
      application_name: 'yggdrasil',
      search_path: 'yggdrasil',
      timezone: 'UTC',
      ...(options.role === undefined ? {} : { role: options.role }),
      ...options.settings,
    },
    types: { bigint: postgres.BigInt },
    onnotice: () => {},
    ...(options.onEnd === undefined ? {} : { onclose: options.onEnd }),
  });
}

/**
 * Refuses with StartError a client without `patches/postgres+3.4.9.patch`: it ends the process when a connection is lost
 * under load, or runs a statement of a lost transaction in the next one.
 */
export function requirePatchedClient(client: object = postgres): void {
  if ('settlesLostConnections' in client) return;
  throw new StartError(
    'The package postgres lacks the patch in patches/. Run `npm ci` with install scripts allowed, or `npx patch-package`.',
  );
}

/** The URL without its password, for logs and messages: all up to the last `@`, as a password may be written unencoded. */
export function withoutPassword(url: string): string {
  return url.replace(/(:\/\/[^:@/]*):.*@/s, '$1:***@');
}
