import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { CRASH_SETTINGS, surviveCrashes } from '../support/crash/survive.ts';
import { readNumber, readSeed } from '../support/options.ts';
import { type ServerProcess, startServerProcess } from '../support/server-process.ts';

const directory = mkdtempSync(join(tmpdir(), 'yggdrasil-crash-'));
// Run as root, the database's user must pass through.
chmodSync(directory, 0o711);
const rounds = readNumber('YGGDRASIL_TEST_KILLS', 2);
let server: ServerProcess | null = null;

afterAll(async () => {
  await server?.end('SIGTERM');
  rmSync(directory, { recursive: true, force: true });
});

describe('kill -9 under load, and a restart', () => {
  it(
    'loses no accepted message and no cent, keeps the order, and leaves no hold open past its expiry',
    async () => {
      await surviveCrashes({
        rounds,
        seed: readSeed(),
        start: async () => {
          server = await startServerProcess({
            ...CRASH_SETTINGS,
            YGGDRASIL_DATA_DIR: join(directory, 'data'),
          });
          return server;
        },
        crash: async (running) => {
          expect(await running.end('SIGKILL')).toBeNull();
        },
      });
    },
    60_000 + rounds * 150_000,
  );
});
