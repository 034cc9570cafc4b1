import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, requirePort } from '../processes/ports.ts';
import { findProgram, startProgram, stopProcess } from '../processes/processes.ts';

/** A running mosquitto. */
export interface Mosquitto {
  readonly port: number;
  readonly processId: number;
  stop(): Promise<void>;
}

/**
 * mosquitto with persistence and no limit of messages that wait for somebody. It writes its file every second; a message
 * is acknowledged before. Null where it isn't installed.
 */
export async function startMosquitto(): Promise<Mosquitto | null> {
  const program = findProgram('mosquitto', ['/usr/sbin/mosquitto', '/usr/local/sbin/mosquitto']);
  if (program === null) return null;
  const directory = mkdtempSync(join(tmpdir(), 'yggdrasil-bench-mosquitto-'));
  // Run as root, it becomes a user of its own.
  chmodSync(directory, 0o777);
  const port = await freePort();
  const file = join(directory, 'mosquitto.conf');
  writeFileSync(
    file,
    [
      `listener ${port} 127.0.0.1`,
      'allow_anonymous true',
      'persistence true',
      `persistence_location ${directory}/`,
      'autosave_interval 1',
      'max_queued_messages 0',
      'max_inflight_messages 1000',
      'set_tcp_nodelay true',
      'log_type error',
      '',
    ].join('\n'),
  );
  const child = startProgram('server', [program, '-c', file]);
  await requirePort(port);
  return {
    port,
    processId: child.pid,
    stop: async () => {
      await stopProcess(child);
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
