import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../bench/processes/ports.ts';
import { requireDebianPackage } from './apt.ts';

/** A mosquitto with persistence that lets in who is in the files `passwords` and `acl` of its folder. */
export interface RunningMosquitto {
  readonly directory: string;
  readonly port: number;
  start(): Promise<void>;
  /** Reads its files again. */
  reload(): void;
  /** Ends it, with what it keeps, and starts it again. */
  restart(): Promise<void>;
  /** Ends it, and removes its folder. */
  stop(): Promise<void>;
}

/** A mosquitto that doesn't run yet; its folder is there. */
export async function prepareMosquitto(): Promise<RunningMosquitto> {
  await requireDebianPackage('/usr/sbin/mosquitto', 'mosquitto');
  const directory = mkdtempSync(join(tmpdir(), 'yggdrasil-mosquitto-broker-'));
  // Run as root, it becomes a user of its own.
  chmodSync(directory, 0o777);
  const port = await freePort();
  const file = join(directory, 'mosquitto.conf');
  writeFileSync(
    file,
    [
      `listener ${port} 127.0.0.1`,
      'allow_anonymous false',
      `password_file ${join(directory, 'passwords')}`,
      `acl_file ${join(directory, 'acl')}`,
      'persistence true',
      `persistence_location ${directory}/`,
      '',
    ].join('\n'),
  );
  let child: ChildProcess | null = null;
  const end = async (signal: 'SIGKILL' | 'SIGTERM') => {
    if (child === null) return;
    const exited = once(child, 'exit');
    child.kill(signal);
    await exited;
    child = null;
  };
  const start = async () => {
    child = spawn('/usr/sbin/mosquitto', ['-v', '-c', file], { stdio: ['ignore', 'ignore', 'pipe'] });
    await untilRunning(child);
  };
  return {
    directory,
    port,
    start,
    reload: () => void child?.kill('SIGHUP'),
    async restart() {
      await end('SIGTERM');
      await start();
    },
    async stop() {
      await end('SIGKILL');
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** It says so when it listens (`-v`). */
function untilRunning(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let said = '';
    child.stderr?.on('data', (data: Buffer) => {
      said += data.toString();
      if (said.includes(' running')) resolve();
    });
    child.once('exit', (code) => reject(new Error(`mosquitto ended with ${code}: ${said}`)));
  });
}
