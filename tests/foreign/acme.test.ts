import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { connect } from 'node:tls';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freePort, requirePort } from '../../bench/processes/ports.ts';
import { makeCertificate } from '../support/certificates.ts';
import { startServerProcess } from '../support/server-process.ts';

/** Let's Encrypt's own server for tests, and its name server, which says 127.0.0.1 of every name. */
const PEBBLE = 'github.com/letsencrypt/pebble/v2/cmd';
const VERSION = 'v2.10.3';
const PROGRAMS = resolve('build/foreign/pebble');
const DOMAINS = ['home.example.org', 'bücher.example.org'];

const processes: ChildProcess[] = [];
let folder: string;
let ports: { dns: number; acme: number; http: number; tls: number; mqtt: number };
let authorityFile: string;

function run(program: string, args: readonly string[], environment = {}): void {
  const child = spawn(join(PROGRAMS, program), args, {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  processes.push(child);
}

beforeAll(async () => {
  const environment = { ...process.env, GOBIN: PROGRAMS };
  for (const program of ['pebble', 'pebble-challtestsrv'])
    await promisify(execFile)('go', ['install', `${PEBBLE}/${program}@${VERSION}`], { env: environment });

  folder = await mkdtemp(join(tmpdir(), 'yggdrasil-acme-'));
  const taken = await Promise.all([freePort(), freePort(), freePort(), freePort(), freePort()]);
  const [dns, acme, http, tls, mqtt] = taken;
  ports = { dns, acme, http, tls, mqtt };
  const { certificateFile, keyFile } = await makeCertificate(folder, 'authority');
  authorityFile = certificateFile;
  const pebble = {
    listenAddress: `127.0.0.1:${acme}`,
    managementListenAddress: '127.0.0.1:0',
    certificate: certificateFile,
    privateKey: keyFile,
    httpPort: http,
    tlsPort: tls,
    domainBlocklist: ['blocked.example'],
    profiles: { default: { description: 'As Let’s Encrypt gives them', validityPeriod: 7_776_000 } },
  };
  const configFile = join(folder, 'pebble.json');
  await writeFile(configFile, JSON.stringify({ pebble }));
  const off = ['-doh', '', '-http01', '', '-https01', '', '-tlsalpn01', '', '-management', '127.0.0.1:0'];
  run('pebble-challtestsrv', ['-dnsserver', `127.0.0.1:${dns}`, '-defaultIPv6', '', ...off]);
  run('pebble', ['-config', configFile, '-dnsserver', `127.0.0.1:${dns}`, '-strict']);
  await requirePort(acme);
});

afterAll(async () => {
  for (const child of processes) child.kill('SIGKILL');
  await rm(folder, { recursive: true, force: true });
});

const environmentOf = (domains: readonly string[], dataDirectory: string) => ({
  YGGDRASIL_DATA_DIR: dataDirectory,
  YGGDRASIL_TLS: 'acme',
  YGGDRASIL_TLS_DOMAINS: domains.join(', '),
  YGGDRASIL_ACME_DIRECTORY: `https://127.0.0.1:${ports.acme}/dir`,
  YGGDRASIL_ACME_EMAIL: 'operator@example.org',
  YGGDRASIL_ACME_HTTP_PORT: String(ports.http),
  YGGDRASIL_PORT: String(ports.tls),
  YGGDRASIL_MQTT_PORT: String(ports.mqtt),
  NODE_EXTRA_CA_CERTS: authorityFile,
});

/** Whom the certificate at this port is from, and for which names it is. */
function shown(port: number): Promise<{ issuer: string; names: string | undefined }> {
  return new Promise((done, failed) => {
    const socket = connect({ port, host: '127.0.0.1', servername: DOMAINS[0], rejectUnauthorized: false });
    socket.once('error', failed);
    socket.once('secureConnect', () => {
      const { issuer, subjectaltname } = socket.getPeerCertificate();
      done({ issuer: String(issuer.CN), names: subjectaltname });
      socket.destroy();
    });
  });
}

describe("Let's Encrypt's Pebble", () => {
  test('gives a server its certificate, which it shows over HTTP and MQTT, also after a restart', async () => {
    const data = join(folder, 'data');
    const server = await startServerProcess(environmentOf(DOMAINS, data));
    const names = 'DNS:home.example.org, DNS:xn--bcher-kva.example.org';
    for (const port of [ports.tls, ports.mqtt]) {
      expect(await shown(port)).toEqual({ issuer: expect.stringContaining('Pebble'), names });
    }
    const kept = await readFile(join(data, 'tls', 'certificate-and-key.pem'), 'utf8');
    expect(await server.end('SIGTERM')).toBe(0);

    const again = await startServerProcess(environmentOf(DOMAINS, data));
    expect((await shown(ports.tls)).names).toBe(names);
    expect(await readFile(join(data, 'tls', 'certificate-and-key.pem'), 'utf8')).toBe(kept);
    expect(await again.end('SIGTERM')).toBe(0);
    expect(server.output()).not.toContain('PRIVATE KEY');
  });

  test('refuses a name that it blocks, and the server says so and ends', async () => {
    const starting = startServerProcess(environmentOf(['home.blocked.example'], join(folder, 'refused')));
    await expect(starting).rejects.toThrow(
      /ended with 1: .*There is no certificate for home\.blocked\.example/s,
    );
  });
});
