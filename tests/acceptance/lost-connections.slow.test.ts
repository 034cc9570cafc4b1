import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { connect } from '../../server/platform/database/connect.ts';
import { embeddedUrls } from '../../server/platform/database/embedded/bootstrap.ts';
import { EMBEDDED_RESTART_PAUSE_MAX_MS } from '../../server/platform/database/limits.ts';
import { CRASH_SETTINGS, surviveCrashes } from '../support/crash/survive.ts';
import { readNumber, readSeed } from '../support/options.ts';
import { type ServerProcess, startServerProcess } from '../support/server-process.ts';

const directory = mkdtempSync(join(tmpdir(), 'yggdrasil-lost-'));
// Run as root, the database's user must pass through.
chmodSync(directory, 0o711);
const rounds = readNumber('YGGDRASIL_TEST_LOST_CONNECTIONS', 1);
/** The pause before the database is started again grows with each death that soon follows another. */
const RETURN_TIMEOUT_MS = EMBEDDED_RESTART_PAUSE_MAX_MS + 30_000;
const home = join(directory, 'data', 'postgresql');
/** Times that every connection is ended in a round, while they are made again. */
const TERMINATIONS = 10;

let server: ServerProcess | null = null;

afterAll(() => {
  rmSync(directory, { recursive: true, force: true });
});

async function terminateConnections(): Promise<void> {
  const secrets = JSON.parse(readFileSync(join(directory, 'data', 'secrets.json'), 'utf8'));
  const { superuserUrl } = embeddedUrls(join(home, 'run'), secrets.databaseSecret);
  const sql = connect(superuserUrl, { connectionsMax: 1 });
  try {
    for (let time = 0; time < TERMINATIONS; time++) {
      await sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()`;
      await new Promise((resolve) => setTimeout(resolve, 30));
    }
  } finally {
    await sql.end();
  }
}

async function killDatabase(): Promise<void> {
  process.kill(Number.parseInt(readFileSync(join(home, 'cluster', 'postmaster.pid'), 'utf8'), 10), 'SIGKILL');
}

/** One server all the time, whose database goes away under load. */
const survive = (takeAway: () => Promise<void>) =>
  surviveCrashes({
    rounds,
    seed: readSeed(),
    start: async () => {
      if (server === null || server.child.exitCode !== null) {
        server = await startServerProcess({ ...CRASH_SETTINGS, YGGDRASIL_DATA_DIR: join(directory, 'data') });
      }
      return server;
    },
    crash: async (running) => {
      await takeAway();
      await expect
        .poll(async () => (await fetch(`${running.httpUrl}/readyz`).catch(() => null))?.status, {
          timeout: RETURN_TIMEOUT_MS,
        })
        .toBe(200);
      expect(running.child.exitCode).toBeNull();
      expect(running.output()).not.toMatch(/unhandled|TypeError|InvariantError/);
    },
  }).finally(async () => {
    await server?.end('SIGTERM');
    server = null;
    rmSync(join(directory, 'data'), { recursive: true, force: true });
  });

describe('a database that goes away under load', () => {
  it(
    'by the end of every connection costs nothing that was acknowledged, and the server stays',
    () => survive(terminateConnections),
    60_000 + rounds * RETURN_TIMEOUT_MS,
  );

  it(
    'by the death of its first process costs nothing that was acknowledged, and the server stays',
    () => survive(killDatabase),
    60_000 + rounds * RETURN_TIMEOUT_MS,
  );
});
