import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import postgres from 'postgres';
import { startEmbedded } from '../../server/platform/database/embedded/start.ts';
import { openDatabase } from '../../server/platform/database/index.ts';
import { createSystemClock } from '../../server/platform/system/clock.ts';
import { createSystemRandom } from '../../server/platform/system/random.ts';
import { silentLogger } from './logger.ts';

/** Of every test's database: the users of its pools are made once, with the database that tests copy. */
export const TEST_DATABASE_SECRET = 'the secret of the tests';

/** A PostgreSQL for one run of the tests, with a database that holds the migrated schema to copy. Plain data. */
export interface TestCluster {
  readonly kind: 'TEST_DATABASE_URL' | 'container' | 'embedded';
  /** Owns the databases; may create databases and roles. */
  readonly ownerUrl: string;
  /** May drop a database under whoever is still connected to it. */
  readonly adminUrl: string;
  /** Name of the database to copy. */
  readonly template: string;
}

export interface RunningTestCluster extends TestCluster {
  stop(): Promise<void>;
}

interface Server {
  readonly kind: TestCluster['kind'];
  readonly ownerUrl: string;
  readonly adminUrl: string;
  stop(): Promise<void>;
}

/** Containers are looked for this long: a Docker that hangs must not hang the tests. */
const CONTAINER_PROBE_TIMEOUT_MS = 5_000;
const CONTAINER_IMAGE = 'postgres:17-alpine';

/** Removes `directory` when this process is gone, however it went, and the database in it has ended. */
function removeAtExit(directory: string): void {
  const script =
    'trap "" HUP INT TERM; read -r _; while [ -S "$1"/postgresql/run/.s.PGSQL.5432 ]; do sleep 0.2; done; rm -rf "$1"';
  spawn('/bin/sh', ['-c', script, 'sh', directory], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  }).unref();
}

async function startOwn(): Promise<Server> {
  const directory = await mkdtemp(join(tmpdir(), 'yggdrasil-test-'));
  // Run as root, the database's user must pass through.
  await chmod(directory, 0o711);
  removeAtExit(directory);
  const embedded = await startEmbedded(
    {
      dataDirectory: directory,
      secret: randomBytes(16).toString('hex'),
      settings: { fsync: 'off', max_connections: '200' },
    },
    { clock: createSystemClock(), logger: silentLogger },
  );
  return {
    kind: 'embedded',
    ownerUrl: embedded.urls.ownerUrl,
    adminUrl: embedded.urls.superuserUrl,
    stop: async () => {
      await embedded.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** A PostgreSQL in a container, or null when there is no engine, or it doesn't answer or can't get the image. */
async function startContainer(): Promise<Server | null> {
  const { GenericContainer, Wait, getContainerRuntimeClient } = await import('testcontainers');
  const timeout = new Promise<null>((resolve) => {
    setTimeout(() => resolve(null), CONTAINER_PROBE_TIMEOUT_MS).unref();
  });
  const client = await Promise.race([getContainerRuntimeClient().catch(() => null), timeout]);
  if (client === null) return null;
  try {
    const password = randomBytes(16).toString('hex');
    const container = await new GenericContainer(CONTAINER_IMAGE)
      .withEnvironment({ POSTGRES_PASSWORD: password })
      .withExposedPorts(5432)
      .withWaitStrategy(Wait.forLogMessage(/ready to accept connections/, 2))
      .start();
    const url = `postgres://postgres:${password}@${container.getHost()}:${container.getMappedPort(5432)}/postgres`;
    return {
      kind: 'container',
      ownerUrl: url,
      adminUrl: url,
      stop: async () => void (await container.stop()),
    };
  } catch (error) {
    console.log(`tests: no container (${error instanceof Error ? error.message : error})`);
    return null;
  }
}

/** The same server, another database. */
export function withDatabase(url: string, database: string): string {
  const target = new URL(url);
  target.pathname = `/${database}`;
  return target.toString();
}

/** Drops the database with the connections it still has. */
export async function dropDatabase(url: string, name: string): Promise<void> {
  try {
    await administer(url, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
  } catch (error) {
    // Who is no superuser may not end an autovacuum that looks in; without FORCE PostgreSQL does, and waits for the rest.
    if ((error as { code?: string }).code !== INSUFFICIENT_PRIVILEGE) throw error;
    await administer(url, `DROP DATABASE IF EXISTS ${name}`);
  }
}

const INSUFFICIENT_PRIVILEGE = '42501';

/** Runs a statement outside of a transaction. */
export async function administer(url: string, statement: string): Promise<void> {
  const target = new URL(url);
  const socketDirectory = target.searchParams.get('host');
  target.searchParams.delete('host');
  const sql = postgres(target.toString(), {
    max: 1,
    onnotice: () => {},
    ...(socketDirectory === null ? {} : { host: socketDirectory }),
  });
  try {
    await sql.unsafe(statement);
  } finally {
    await sql.end({ timeout: 5 });
  }
}

/**
 * Starts or finds the PostgreSQL of this run, prints which, and migrates the database that tests copy:
 * `TEST_DATABASE_URL` where it is set, else a container where there is an engine, else the embedded one in a temporary
 * folder, which goes away with this process even if that is killed. The role of `TEST_DATABASE_URL` needs CREATEDB,
 * CREATEROLE and membership in pg_signal_backend, and a password where the server asks for one; `.ci/postgresql-15` makes such a server.
 */
export async function startTestCluster(): Promise<RunningTestCluster> {
  const given = process.env.TEST_DATABASE_URL;
  const server: Server =
    given !== undefined && given !== ''
      ? { kind: 'TEST_DATABASE_URL', ownerUrl: given, adminUrl: given, stop: async () => {} }
      : ((await startContainer()) ?? (await startOwn()));
  console.log(`tests: database by ${server.kind}`);
  const template = `yggdrasil_template_${randomBytes(4).toString('hex')}`;
  try {
    await administer(server.ownerUrl, `CREATE DATABASE ${template}`);
    const open = await openDatabase(
      {
        source: {
          kind: 'server',
          url: withDatabase(server.ownerUrl, template),
          secret: TEST_DATABASE_SECRET,
        },
      },
      { clock: createSystemClock(), random: createSystemRandom(), logger: silentLogger },
    );
    await open.migrate();
    await open.close(1_000);
  } catch (error) {
    await server.stop();
    throw error;
  }
  return {
    kind: server.kind,
    ownerUrl: server.ownerUrl,
    adminUrl: server.adminUrl,
    template,
    stop: async () => {
      await dropDatabase(server.adminUrl, template);
      await server.stop();
    },
  };
}
