import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { checkoutFolder } from '../../device/node/checkout.ts';
import { cpuSecondsOf, placed, residentBytesOf, stopProcess, watch } from './processes.ts';

const READY_TIMEOUT_MS = 60_000;
const READY_POLL_MS = 50;

/** What a device proves itself with. */
export interface Credentials {
  readonly deviceId: string;
  readonly networkId: string;
  readonly token: string;
  readonly signingKey: string;
}

/** The server as it is shipped, with an embedded database in a temporary folder. */
export interface Product {
  readonly processId: number;
  readonly dataDirectory: string;
  readonly host: string;
  readonly port: number;
  readonly mqttPort: number;
  /** The token of the account that owns the networks. */
  readonly token: string;
  cpuSeconds(): number;
  residentBytes(): number;
  /** Where its inspector listens, started with `--inspect`. */
  inspectorUrl(): string;
  /** What it has shown on its terminal. */
  output(): string;
  createNetwork(name: string): Promise<string>;
  createDevice(networkId: string, name: string): Promise<Credentials>;
  request<Answer>(
    method: string,
    path: string,
    body?: unknown,
    headers?: Readonly<Record<string, string>>,
  ): Promise<Answer>;
  /** Ends the server and begins another on the same data and ports. */
  restart(): Promise<void>;
  /** Ends it and removes its folder. */
  stop(): Promise<void>;
}

/** Devices of one network. */
export interface Pair {
  readonly sender: Credentials;
  readonly receiver: Credentials;
  /** Never connected. */
  readonly away: Credentials;
}

/** Pairs of devices, each in a network of its own. */
export async function createPairs(product: Product, count: number): Promise<Pair[]> {
  const pairs: Pair[] = [];
  for (let i = 0; i < count; i++) {
    const networkId = await product.createNetwork(`Network ${i}`);
    const device = (name: string) => product.createDevice(networkId, `${name} ${i}`);
    pairs.push({
      sender: await device('Sender'),
      receiver: await device('Receiver'),
      away: await device('Away'),
    });
  }
  return pairs;
}

/** Starts the server and sets it up, with an account that owns what is made. */
export async function startProduct(
  nodeArguments: readonly string[] = [],
  settings: Readonly<Record<string, string>> = {},
): Promise<Product> {
  const directory = mkdtempSync(join(tmpdir(), 'yggdrasil-bench-'));
  // Run as root, the database's user must pass through.
  chmodSync(directory, 0o711);
  const removeFolder = () =>
    rmSync(directory, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  process.on('exit', removeFolder);
  let server = await startServer(directory, { nodeArguments, settings, port: 0, mqttPort: 0 });
  let token = '';
  const { port, mqttPort } = server;
  const request: Product['request'] = async <Answer>(
    method: string,
    path: string,
    body?: unknown,
    more: Readonly<Record<string, string>> = {},
  ): Promise<Answer> => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, {
      method,
      headers: {
        ...(token === '' ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...more,
      },
      body: body === undefined ? null : JSON.stringify(body),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return JSON.parse(text) as Answer;
  };
  const setUp = { code: server.setUpCode, name: 'Bench' };
  token = (await request<{ token: string }>('POST', '/api/v1/setup', setUp)).token;
  return {
    get processId() {
      return server.processId;
    },
    dataDirectory: directory,
    host: '127.0.0.1',
    port,
    mqttPort,
    token,
    cpuSeconds: () => cpuSecondsOf(server.processId),
    residentBytes: () => residentBytesOf(server.processId),
    inspectorUrl: () => {
      const output = readFileSync(join(directory, 'output.log'), 'utf8');
      return /Debugger listening on (\S+)/.exec(output)?.[1] ?? '';
    },
    output: () => readFileSync(join(directory, 'output.log'), 'utf8'),
    createNetwork: async (name) => (await request<{ id: string }>('POST', '/api/v1/networks', { name })).id,
    createDevice: async (networkId, name) => {
      const body = { name, networkId, worldType: 'jotunheim' };
      return (await request<{ credentials: Credentials }>('POST', '/api/v1/devices', body)).credentials;
    },
    request,
    restart: async () => {
      await stopProcess(server.child);
      server = await startServer(directory, { nodeArguments, settings, port, mqttPort });
    },
    stop: async () => {
      await stopProcess(server.child);
      removeFolder();
      process.off('exit', removeFolder);
    },
  };
}

interface StartedServer {
  readonly child: ChildProcess;
  readonly processId: number;
  readonly port: number;
  readonly mqttPort: number;
  readonly setUpCode: string | null;
}

interface ServerStart {
  readonly nodeArguments: readonly string[];
  /** Further environment variables. */
  readonly settings: Readonly<Record<string, string>>;
  readonly port: number;
  readonly mqttPort: number;
}

async function startServer(directory: string, start: ServerStart): Promise<StartedServer> {
  const output = join(directory, 'output.log');
  const file = openSync(output, 'w');
  const server = [...start.nodeArguments, `${checkoutFolder()}build/yggdrasil.js`, 'server'];
  // As `npm start` does.
  const command = [process.execPath, '--max-semi-space-size=32', ...server];
  const [program, args] = placed('server', command);
  const child = spawn(program, args, {
    env: { ...environment(directory, start.port, start.mqttPort), ...start.settings },
    stdio: ['ignore', file, file],
  });
  closeSync(file);
  watch(child);
  const deadlineMs = Date.now() + READY_TIMEOUT_MS;
  for (;;) {
    const text = readFileSync(output, 'utf8');
    const find = (pattern: RegExp) => pattern.exec(text)?.[1];
    const http = find(/HTTP +http:\/\/127\.0\.0\.1:(\d+)/);
    const mqtt = find(/MQTT +mqtt:\/\/127\.0\.0\.1:(\d+)/);
    if (http !== undefined && mqtt !== undefined && text.includes('Stop with Ctrl-C')) {
      // The code follows what every start says.
      await wait(READY_POLL_MS);
      const setUpCode = /Set-up code: (\w+)/.exec(readFileSync(output, 'utf8'))?.[1] ?? null;
      return { child, processId: child.pid ?? 0, port: Number(http), mqttPort: Number(mqtt), setUpCode };
    }
    if (child.exitCode !== null || Date.now() > deadlineMs) {
      throw new Error(`the server did not get ready: ${text.slice(-2_000)}`);
    }
    await wait(READY_POLL_MS);
  }
}

function environment(directory: string, port: number, mqttPort: number): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(
    ([name]) => !name.startsWith('YGGDRASIL_') && name !== 'DATABASE_URL',
  );
  return {
    ...Object.fromEntries(inherited),
    YGGDRASIL_DATA_DIR: join(directory, 'data'),
    YGGDRASIL_PORT: String(port),
    YGGDRASIL_MQTT_PORT: String(mqttPort),
    // One client asks for all that there is.
    YGGDRASIL_RATE_LIMITS: 'off',
    YGGDRASIL_TENANT_NETWORKS_MAX: '1000',
    YGGDRASIL_TENANT_DEVICES_MAX: '20000',
  };
}
