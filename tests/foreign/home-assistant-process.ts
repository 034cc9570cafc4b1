import { execFile, spawn } from 'node:child_process';
import { createHmac, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from '../../bench/processes/ports.ts';

/** Versions that go together, of those that Python 3.11 runs. */
const PACKAGES = ['homeassistant==2024.3.3', 'paho-mqtt==1.6.1', 'sqlalchemy==2.0.28', 'josepy==1.14.0'];
const PYTHON = process.env.YGGDRASIL_FOREIGN_PYTHON ?? 'python3.11';
const VENV = resolve(process.env.YGGDRASIL_FOREIGN_VENV ?? 'build/foreign/home-assistant');

/** The broker as Home Assistant signs in to it. */
export interface Broker {
  readonly host: string;
  readonly port: number;
  readonly username: string;
  readonly password: string;
}

/** An entity as its API shows it. */
export interface Entity {
  readonly entity_id: string;
  readonly state: string;
  readonly attributes: Readonly<Record<string, unknown>>;
}

/** A running Home Assistant. */
export interface HomeAssistant {
  entities(): Promise<readonly Entity[]>;
  /** Calls a service: `switch`, `turn_on`. */
  call(domain: string, service: string, entityId: string): Promise<void>;
  /** What it wrote. */
  readonly output: () => string;
  stop(): Promise<void>;
}

/** Installs it where it isn't, which takes some minutes. */
export async function installHomeAssistant(): Promise<void> {
  const run = promisify(execFile);
  if (existsSync(join(VENV, 'bin', 'hass'))) return;
  await mkdir(resolve(VENV, '..'), { recursive: true });
  await run(PYTHON, ['-m', 'venv', VENV]);
  await run(join(VENV, 'bin', 'pip'), ['install', '--quiet', ...PACKAGES], { maxBuffer: 100_000_000 });
}

/** Starts it with a configuration of its own. */
export async function startHomeAssistant(broker: Broker): Promise<HomeAssistant> {
  const directory = await mkdtemp(join(tmpdir(), 'yggdrasil-home-assistant-'));
  const port = await freePort();
  const token = await configure(directory, port, broker);
  const child = spawn(join(VENV, 'bin', 'hass'), ['--config', directory], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exited = once(child, 'exit');
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (data: Buffer) => {
      output = (output + data.toString()).slice(-200_000);
    });
  }
  const url = `http://127.0.0.1:${port}/api`;
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  return {
    output: () => output,
    async entities() {
      const response = await fetch(`${url}/states`, { headers }).catch(() => null);
      return response?.ok ? ((await response.json()) as Entity[]) : [];
    },
    async call(domain, service, entityId) {
      const response = await fetch(`${url}/services/${domain}/${service}`, {
        method: 'POST',
        headers,
        body: JSON.stringify({ entity_id: entityId }),
      });
      if (!response.ok) throw new Error(`${domain}.${service}: ${response.status} ${await response.text()}`);
    },
    async stop() {
      child.kill('SIGTERM');
      const killed = setTimeout(() => child.kill('SIGKILL'), 30_000);
      await exited;
      clearTimeout(killed);
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** Writes its folder: its own broker, and one who may use its API. The token of that one. */
async function configure(directory: string, port: number, broker: Broker): Promise<string> {
  const storage = join(directory, '.storage');
  await mkdir(storage);
  const yaml = [
    'homeassistant:',
    '  name: Test',
    'http:',
    '  server_host: 127.0.0.1',
    `  server_port: ${port}`,
    'api:',
    '',
  ];
  await writeFile(join(directory, 'configuration.yaml'), yaml.join('\n'));
  const store = (key: string, data: unknown) =>
    writeFile(join(storage, key), JSON.stringify({ version: 1, minor_version: 1, key, data }));
  await store('core.config_entries', { entries: [mqttEntry(broker)] });
  const [tokenId, userId, key] = [16, 16, 64].map((bytes) => randomBytes(bytes).toString('hex')) as [
    string,
    string,
    string,
  ];
  await store('auth', authOf(tokenId, userId, key));
  return webToken({ iss: tokenId, iat: nowSeconds(), exp: nowSeconds() + 86_400 }, key);
}

const nowSeconds = (): number => Math.floor(Date.now() / 1000);

function mqttEntry({ host, port, username, password }: Broker) {
  return {
    entry_id: randomBytes(16).toString('hex'),
    version: 1,
    minor_version: 1,
    domain: 'mqtt',
    title: 'Yggdrasil',
    data: { broker: host, port, username, password, discovery: true, discovery_prefix: 'homeassistant' },
    options: {},
    pref_disable_new_entities: false,
    pref_disable_polling: false,
    source: 'user',
    unique_id: null,
    disabled_by: null,
  };
}

function authOf(tokenId: string, userId: string, key: string) {
  const user = {
    id: userId,
    group_ids: ['system-admin'],
    is_owner: true,
    is_active: true,
    name: 'Test',
    system_generated: false,
    local_only: false,
  };
  const token = {
    id: tokenId,
    user_id: userId,
    client_id: null,
    client_name: 'Test',
    client_icon: null,
    token_type: 'long_lived_access_token',
    created_at: new Date().toISOString(),
    access_token_expiration: 86_400,
    token: randomBytes(64).toString('hex'),
    jwt_key: key,
    last_used_at: null,
    last_used_ip: null,
    credential_id: null,
    version: '2024.3.3',
  };
  const groups = [
    { id: 'system-admin', name: 'Administrators' },
    { id: 'system-users', name: 'Users' },
    { id: 'system-read-only', name: 'Read Only' },
  ];
  return { users: [user], groups, credentials: [], refresh_tokens: [token] };
}

/** A JSON Web Token signed with HMAC-SHA256 (RFC 7519). */
function webToken(claims: Readonly<Record<string, unknown>>, key: string): string {
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const signed = `${part({ alg: 'HS256', typ: 'JWT' })}.${part(claims)}`;
  return `${signed}.${createHmac('sha256', key).update(signed).digest('base64url')}`;
}
