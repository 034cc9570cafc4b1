import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

/** The built server as a process of its own, with its embedded database. */
export interface ServerProcess {
  readonly child: ChildProcess;
  readonly httpUrl: string;
  readonly webSocketUrl: string;
  readonly mqttUrl: string;
  /** Null when there are users already. */
  readonly setupCode: string | null;
  /** Everything it wrote so far. */
  output(): string;
  /** Sends the signal and resolves with the exit code, null after SIGKILL. */
  end(signal: NodeJS.Signals): Promise<number | null>;
}

/** What a process wrote and how it ended. */
export interface EndedProcess {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const PROGRAM = 'build/yggdrasil.js';

const environmentOf = (environment: Readonly<Record<string, string>>) => {
  const inherited = Object.entries(process.env).filter(
    ([name]) => !name.startsWith('YGGDRASIL_') && name !== 'DATABASE_URL',
  );
  return { ...Object.fromEntries(inherited), YGGDRASIL_LOGIN_FILE: '/dev/null/none', ...environment };
};

/** Runs a command of the built program to its end; it is killed after `timeoutMs`. */
export async function runCommand(
  command: string,
  options: {
    environment?: Readonly<Record<string, string>>;
    arguments?: readonly string[];
    timeoutMs?: number;
  } = {},
): Promise<EndedProcess> {
  const child = spawn(process.execPath, [PROGRAM, command, ...(options.arguments ?? [])], {
    env: environmentOf(options.environment ?? {}),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (data: Buffer) => {
    stdout += data.toString();
  });
  child.stderr.on('data', (data: Buffer) => {
    stderr += data.toString();
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), options.timeoutMs ?? 30_000);
  const [code] = (await once(child, 'close')) as [number | null];
  clearTimeout(timer);
  return { code, stdout, stderr };
}

/** Starts the server and waits until it says that it is ready. Rejects with its output when it ends before. */
export async function startServerProcess(
  environment: Readonly<Record<string, string>>,
  options: { readonly descriptorsMax?: number } = {},
): Promise<ServerProcess> {
  const { descriptorsMax } = options;
  const limit = descriptorsMax === undefined ? '' : `ulimit -n ${descriptorsMax}; `;
  const child = spawn('sh', ['-c', `${limit}exec "$0" "$@"`, process.execPath, PROGRAM, 'server'], {
    env: environmentOf({ YGGDRASIL_PORT: '0', YGGDRASIL_MQTT_PORT: '0', ...environment }),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const ended = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
  await new Promise<void>((resolve, reject) => {
    const look = (data: Buffer) => {
      output += data.toString();
      if (/Stop with Ctrl-C/.test(output) && (!output.includes('Set-up code') || output.includes('curl')))
        resolve();
    };
    child.stdout.on('data', look);
    child.stderr.on('data', look);
    ended.then(
      ([code, signal]) => reject(new Error(`the server ended with ${code ?? signal}: ${output}`)),
      reject,
    );
  });
  const find = (pattern: RegExp) => pattern.exec(output)?.[1] ?? null;
  const address = find(/HTTP +http:\/\/(\S+)/) ?? '';
  return {
    child,
    httpUrl: `http://${address}`,
    webSocketUrl: `ws://${address}`,
    mqttUrl: `mqtt://${find(/MQTT +mqtt:\/\/(\S+)/)}`,
    setupCode: find(/Set-up code: (\w+)/),
    output: () => output,
    end: async (signal) => {
      child.kill(signal);
      return (await ended)[0];
    },
  };
}
