import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, requirePort } from '../processes/ports.ts';
import { startProgram, stopProcess } from '../processes/processes.ts';
import type { ChatTarget } from './load-part.ts';

const PACKAGE = '@portkey-ai/gateway@1.15.2';

/** A gateway that others run, before the same endpoint. */
export interface Gateway {
  readonly target: Omit<ChatTarget, 'isStreamed'>;
  stop(): Promise<void>;
}

/** Installs Portkey's gateway in a temporary folder and starts it on the server's core. Null: npm can't give it. */
export async function startPortkey(endpoint: string, model: string): Promise<Gateway | null> {
  const folder = mkdtempSync(join(tmpdir(), 'yggdrasil-portkey-'));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  const npm = ['install', '--no-audit', '--no-fund', '--ignore-scripts', '--prefix', folder, PACKAGE];
  if (spawnSync('npm', npm, { stdio: 'ignore' }).status !== 0) {
    remove();
    return null;
  }
  const port = await freePort();
  const program = join(folder, 'node_modules/@portkey-ai/gateway/build/start-server.js');
  const node = ['env', 'TRUSTED_CUSTOM_HOSTS=127.0.0.1', process.execPath];
  const child = startProgram('server', [...node, program, `--port=${port}`, '--headless']);
  await requirePort(port);
  return {
    target: {
      url: `http://127.0.0.1:${port}/v1`,
      headers: {
        'x-portkey-provider': 'openai',
        'x-portkey-custom-host': endpoint,
        authorization: 'Bearer none',
      },
      model,
    },
    async stop() {
      await stopProcess(child);
      remove();
    },
  };
}
