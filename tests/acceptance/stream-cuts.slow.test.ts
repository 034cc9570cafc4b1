import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, it } from 'vitest';
import { surviveCuts } from '../support/cuts/survive.ts';
import { readNumber, readSeed } from '../support/options.ts';
import { type ServerProcess, startServerProcess } from '../support/server-process.ts';

/** What a dead server leaves behind is over in seconds, but for no stream before its time. */
const SETTINGS = {
  YGGDRASIL_REQUEST_TIMEOUT_SECONDS: '10',
  YGGDRASIL_SLOT_WAIT_MS: '500',
  YGGDRASIL_HOLD_TIMEOUT_SECONDS: '11',
  YGGDRASIL_PROVIDER_STALL_TIMEOUT_MS: '1000',
};

const directory = mkdtempSync(join(tmpdir(), 'yggdrasil-cuts-'));
// Run as root, the database's user must pass through.
chmodSync(directory, 0o711);
const rounds = readNumber('YGGDRASIL_TEST_CUTS', 6);
let server: ServerProcess | null = null;

afterAll(async () => {
  await server?.end('SIGTERM');
  rmSync(directory, { recursive: true, force: true });
});

describe('a stream that is cut at a random word by its endpoint, its line, its provider, who asked or the server', () => {
  it(
    'is heard without a gap or a word twice, and every bill agrees with what was said, to the token',
    async () => {
      await surviveCuts({
        rounds,
        seed: readSeed(),
        start: async () => {
          server = await startServerProcess({
            ...SETTINGS,
            YGGDRASIL_DATA_DIR: join(directory, 'data'),
          });
          return server;
        },
      });
    },
    60_000 + rounds * 60_000,
  );
});
