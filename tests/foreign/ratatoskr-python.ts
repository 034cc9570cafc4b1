import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

/** Versions that go together, of those that Python 3.11 runs. */
const PACKAGES = [
  'noiseprotocol==0.3.1',
  'cryptography==50.0.2',
  'protobuf==7.36.2',
  'grpcio-tools==1.85.1',
  'websockets==17.4',
];
const PYTHON = process.env.YGGDRASIL_FOREIGN_PYTHON ?? 'python3.11';
const run = promisify(execFile);

/** Where the libraries of others are, with `bin/python`. */
export const VENV = resolve('build/foreign/ratatoskr');

/** Installs the libraries where they aren't, and makes the messages of the schema for them. */
export async function installPython(): Promise<void> {
  if (!existsSync(join(VENV, 'bin', 'pip'))) {
    await mkdir(resolve(VENV, '..'), { recursive: true });
    await run(PYTHON, ['-m', 'venv', VENV]);
  }
  await run(join(VENV, 'bin', 'pip'), ['install', '--quiet', ...PACKAGES], { maxBuffer: 100_000_000 });
  await mkdir(join(VENV, 'messages'), { recursive: true });
  await run(join(VENV, 'bin', 'python'), [
    '-m',
    'grpc_tools.protoc',
    '--proto_path=proto',
    `--python_out=${join(VENV, 'messages')}`,
    'proto/yggdrasil/v1/compute.proto',
    'proto/yggdrasil/v1/error.proto',
    'proto/yggdrasil/v1/ratatoskr.proto',
  ]);
}

/** The environment in which Python finds them. */
export function pythonEnvironment(): NodeJS.ProcessEnv {
  return { ...process.env, PYTHONPATH: join(VENV, 'messages') };
}
