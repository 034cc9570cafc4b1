import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FrameType } from '../../proto/index.ts';
import { connect } from '../../server/platform/database/connect.ts';
import { BifrostSocket } from '../support/bifrost-socket.ts';
import { startTestServer } from '../support/server.ts';
import { runCommand, type ServerProcess, startServerProcess } from '../support/server-process.ts';
import { createWorld } from '../support/world.ts';

let directory: string;
let server: ServerProcess | null = null;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'yggdrasil-process-'));
  // Run as root, the database's user must pass through.
  chmodSync(directory, 0o711);
});
afterEach(async () => {
  if (server !== null && server.child.exitCode === null && server.child.signalCode === null)
    await server.end('SIGTERM');
  server = null;
  rmSync(directory, { recursive: true, force: true });
});

const start = async (environment: Readonly<Record<string, string>> = {}) => {
  server = await startServerProcess({ YGGDRASIL_DATA_DIR: join(directory, 'data'), ...environment });
  return server;
};

const setUp = async ({ httpUrl, setupCode }: ServerProcess) =>
  fetch(`${httpUrl}/api/v1/setup`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ code: setupCode, name: 'Administrator' }),
  });

/** The file that PostgreSQL has while it runs. */
const databaseLock = () => join(directory, 'data', 'postgresql', 'cluster', 'postmaster.pid');
const databaseProcess = () => Number.parseInt(readFileSync(databaseLock(), 'utf8'), 10);

/** A listener on a port of its own. */
const occupy = async (): Promise<{ port: number; listener: Server }> => {
  const listener = createServer();
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  return { port: (listener.address() as { port: number }).port, listener };
};

describe('the first start', () => {
  it('makes the data directory, secrets that only the owner reads, and a code that works once', async () => {
    const first = await start();
    const secrets = statSync(join(directory, 'data', 'secrets.json'));
    expect(secrets.mode & 0o777).toBe(0o600);
    expect((await setUp(first)).status).toBe(201);
    expect((await setUp(first)).status).toBe(403);
    expect(await first.end('SIGTERM')).toBe(0);
    const second = await start();
    expect(second.setupCode).toBeNull();
  });

  it('makes a new code every time until one was used', async () => {
    const first = await start();
    await first.end('SIGINT');
    const second = await start();
    expect(second.setupCode).not.toBe(first.setupCode);
    expect((await setUp({ ...second, setupCode: first.setupCode })).status).toBe(403);
    expect((await setUp(second)).status).toBe(201);
  });
});

describe('a start that can not succeed', () => {
  it('with a wrong configuration names every problem at once', async () => {
    const { code, stdout, stderr } = await runCommand('server', {
      environment: {
        YGGDRASIL_PORT: 'http',
        YGGDRASIL_COMMISSION_BASIS_POINTS: '9000',
        YGGDRASIL_PROT: '1',
        DATABASE_URL: 'mysql://x',
      },
    });
    expect(code).toBe(1);
    expect(stdout).toBe('');
    for (const variable of [
      'YGGDRASIL_PORT',
      'YGGDRASIL_COMMISSION_BASIS_POINTS',
      'YGGDRASIL_PROT',
      'DATABASE_URL',
    ]) {
      expect(stderr).toContain(variable);
    }
    expect(stderr).not.toContain('    at ');
  });

  it.each(['YGGDRASIL_PORT', 'YGGDRASIL_MQTT_PORT'])(
    'because %s is in use says so in one line',
    async (variable) => {
      const { port, listener } = await occupy();
      const { code, stderr } = await runCommand('server', {
        environment: {
          YGGDRASIL_DATA_DIR: join(directory, 'data'),
          YGGDRASIL_LOG_LEVEL: 'silent',
          YGGDRASIL_PORT: '0',
          YGGDRASIL_MQTT_PORT: '0',
          [variable]: String(port),
        },
      });
      listener.close();
      expect(code).toBe(1);
      expect(stderr.trim().split('\n')).toHaveLength(1);
      expect(stderr).toContain(`127.0.0.1:${port}`);
      expect(stderr).toContain('in use');
    },
  );

  it('because the data directory is not one says so in one line', async () => {
    const file = join(directory, 'file');
    writeFileSync(file, '');
    for (const path of [file, join(file, 'below')]) {
      const { code, stderr } = await runCommand('server', {
        environment: { YGGDRASIL_DATA_DIR: path, YGGDRASIL_LOG_LEVEL: 'silent' },
      });
      expect(code).toBe(1);
      expect(stderr.trim().split('\n')).toHaveLength(1);
      expect(stderr).toContain(path);
    }
  });

  it('because nobody answers at DATABASE_URL says so, without the password', async () => {
    const { port, listener } = await occupy();
    listener.close();
    const { code, stderr } = await runCommand('server', {
      environment: {
        YGGDRASIL_DATA_DIR: join(directory, 'data'),
        YGGDRASIL_LOG_LEVEL: 'silent',
        DATABASE_URL: `postgres://somebody:topsecret@127.0.0.1:${port}/yggdrasil`,
      },
    });
    expect(code).toBe(1);
    expect(stderr).toContain(String(port));
    expect(stderr).not.toContain('topsecret');
    expect(stderr).not.toContain('    at ');
  });
});

describe('the running server', () => {
  it('is alive and ready, then stops with exit code 0 and leaves no database behind', async () => {
    const running = await start();
    expect((await fetch(`${running.httpUrl}/healthz`)).status).toBe(200);
    expect((await fetch(`${running.httpUrl}/readyz`)).status).toBe(200);
    expect(await running.end('SIGTERM')).toBe(0);
    await expect(fetch(`${running.httpUrl}/healthz`)).rejects.toThrow();
    expect(existsSync(databaseLock())).toBe(false);
  });

  it('starts its database again when that is killed, and has lost nothing', async () => {
    const running = await start();
    const { token } = (await (await setUp(running)).json()) as { token: string };
    process.kill(databaseProcess(), 'SIGKILL');
    const statuses = new Set<number>();
    const ask = async (path: string) => {
      const { status } = await fetch(running.httpUrl + path, {
        headers: { authorization: `Bearer ${token}` },
      });
      statuses.add(status);
      return status;
    };
    await expect.poll(() => running.output()).toContain('starting it again');
    await expect.poll(() => ask('/readyz'), { timeout: 30_000 }).toBe(200);
    await expect.poll(() => ask('/api/v1/networks'), { timeout: 30_000 }).toBe(200);
    expect([...statuses].filter((status) => status !== 200 && status !== 503)).toEqual([]);
    expect(await running.end('SIGTERM')).toBe(0);
    expect(existsSync(databaseLock())).toBe(false);
  });
});

describe('a stop that does not come to its end', () => {
  it('is cut short after the time limit with exit code 1, and the database ends once it can', async () => {
    const running = await start({ YGGDRASIL_SHUTDOWN_TIMEOUT_SECONDS: '1' });
    const database = databaseProcess();
    process.kill(database, 'SIGSTOP');
    try {
      expect(await running.end('SIGTERM')).toBe(1);
      expect(running.output()).toContain('not stopped in time');
    } finally {
      process.kill(database, 'SIGCONT');
    }
    await expect.poll(() => existsSync(databaseLock()), { timeout: 30_000 }).toBe(false);
  });

  it('is cut short by a second signal with exit code 1', async () => {
    const running = await start();
    const database = databaseProcess();
    process.kill(database, 'SIGSTOP');
    try {
      running.child.kill('SIGTERM');
      await expect.poll(() => running.output()).toContain('stopping');
      expect(await running.end('SIGTERM')).toBe(1);
    } finally {
      process.kill(database, 'SIGCONT');
    }
    await expect.poll(() => existsSync(databaseLock()), { timeout: 30_000 }).toBe(false);
  });
});

describe('a stop of which one part fails', () => {
  it('says so at its end, and has ended every other part', async () => {
    const inProcess = await startTestServer();
    const { alice } = await createWorld(inProcess);
    const owner = connect(inProcess.databaseUrl, { connectionsMax: 1 });
    const device = await BifrostSocket.open(inProcess, alice.device);
    await owner`ALTER TABLE relay_nonces RENAME TO nonces_elsewhere`;
    device.send({ type: FrameType.PING });
    await device.next(FrameType.PONG);
    await expect(inProcess.stopApp()).rejects.toThrow('relay_nonces');
    const others = () =>
      owner`SELECT FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`;
    await expect.poll(others).toHaveLength(0);
    await owner.end();
    await expect(inProcess.stop()).rejects.toThrow('relay_nonces');
  });
});
