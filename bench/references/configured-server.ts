import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, requirePort } from '../processes/ports.ts';
import { startProgram, stopProcess } from '../processes/processes.ts';

/** A running server that others wrote. */
export interface ConfiguredServer {
  readonly port: number;
  readonly processId: number;
  stop(): Promise<void>;
}

/** Starts a program with a configuration (`-c`) of these lines, in a folder of its own that goes with it; resolves when it listens. */
export async function startConfigured(
  program: string,
  fileName: string,
  configuration: (port: number, directory: string) => readonly string[],
): Promise<ConfiguredServer> {
  const directory = mkdtempSync(join(tmpdir(), 'yggdrasil-bench-peer-'));
  // Run as root, mosquitto becomes a user of its own.
  chmodSync(directory, 0o777);
  const port = await freePort();
  const file = join(directory, fileName);
  writeFileSync(file, configuration(port, directory).join('\n'));
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
