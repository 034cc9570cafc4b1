import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkoutFolder } from '../../device/node/checkout.ts';
import { findProgram } from '../processes/processes.ts';
import { type ConfiguredServer, startConfigured } from '../references/configured-server.ts';

/** A program that Go's module proxy has. */
interface GoProgram {
  readonly name: string;
  readonly module: string;
}

const NATS: GoProgram = { name: 'nats-server', module: 'github.com/nats-io/nats-server/v2@v2.15.3' };
const CENTRIFUGO: GoProgram = { name: 'centrifugo', module: 'github.com/centrifugal/centrifugo/v6@v6.9.1' };

/** When a NATS server with a stream in a file has it on the disk. */
export type NatsSync = 'always' | '2m';

/**
 * Finds the program, or builds it in build/peers, which takes some minutes the first time. Null, and said on stderr: it is missing.
 */
function requireProgram({ name, module }: GoProgram): string | null {
  const folder = join(checkoutFolder(), 'build', 'peers');
  const known = findProgram(name, [join(folder, name)]);
  if (known !== null) return known;
  const go = findProgram('go', ['/usr/local/go/bin/go', '/usr/lib/go/bin/go']);
  if (go === null) {
    console.error(`${name} is missing: it is built with Go, which is missing, by 'go install ${module}'`);
    return null;
  }
  console.error(`building ${name} in build/peers ...`);
  mkdirSync(folder, { recursive: true });
  const env = { ...process.env, GOBIN: folder };
  const { status, stderr } = spawnSync(go, ['install', module], { env, cwd: tmpdir(), encoding: 'utf8' });
  if (status === 0) return join(folder, name);
  console.error(`${name} is missing: 'go install ${module}' failed: ${stderr.trim().split('\n').at(-1)}`);
  return null;
}

/** A NATS server with JetStream in a temporary folder. Null: it is missing. */
export async function startNats(sync: NatsSync): Promise<ConfiguredServer | null> {
  const program = requireProgram(NATS);
  if (program === null) return null;
  return await startConfigured(program, 'nats.conf', (port, directory) => [
    `listen: "127.0.0.1:${port}"`,
    `jetstream { store_dir: "${directory}", sync_interval: "${sync}", max_file_store: 4GB }`,
    'max_pending: 64MB',
    '',
  ]);
}

/** Centrifugo, whose clients need no token and may publish. Null: it is missing. */
export async function startCentrifugo(): Promise<ConfiguredServer | null> {
  const program = requireProgram(CENTRIFUGO);
  if (program === null) return null;
  return await startConfigured(program, 'centrifugo.json', (port) => [
    JSON.stringify({
      http_server: { address: '127.0.0.1', port },
      client: { insecure: true, queue_max_size: 64 * 1024 * 1024 },
      log: { level: 'error' },
    }),
  ]);
}
