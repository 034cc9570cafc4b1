import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, it, onTestFinished } from 'vitest';
import { eventually } from '../integration/http/server-under-test.ts';
import { startTestServer } from '../support/server.ts';
import { startServerProcess } from '../support/server-process.ts';
import { createWorld } from '../support/world.ts';

/**
 * A holder: `begin` takes the lock with a lease of a second and reads the counter, `write` writes it back, one higher, and prints the
 * status of that.
 */
const HOLDER = `
  const [url, path, token, isGuarded] = process.argv.slice(1);
  const ask = async (method, path, body) => {
    const headers = { authorization: 'Bearer ' + token, 'content-type': 'application/json' };
    const answer = await fetch(url + path, { method, headers, body: JSON.stringify(body) });
    return { status: answer.status, body: await answer.json() };
  };
  let claim, counter;
  require('node:readline').createInterface({ input: process.stdin }).on('line', async (line) => {
    if (line === 'begin') {
      const wanted = { name: 'counter', leaseSeconds: 1, delaySeconds: 0, waitSeconds: 50 };
      claim = (await ask('POST', '/api/v1/locks', wanted)).body;
      counter = (await ask('GET', path)).body.desired.state.counter ?? 0;
      console.log('begun');
    } else {
      const lock = isGuarded === 'true' ? { lock: { lockId: claim.lockId, token: claim.token } } : {};
      const { status } = await ask('PATCH', path, { desired: { counter: counter + 1 }, ...lock });
      await ask('DELETE', '/api/v1/locks/claims/' + claim.id);
      console.log(status);
    }
  });`;

interface Holder {
  readonly child: ChildProcess;
  tell(line: 'begin' | 'write'): Promise<string>;
}

function startHolder(args: readonly string[]): Holder {
  const child = spawn(process.execPath, ['-e', HOLDER, ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    child,
    async tell(line) {
      child.stdin.write(`${line}\n`);
      return String((await lines.next()).value);
    },
  };
}

describe('a counter that a lock guards, whose holders are stopped past their lease', () => {
  /** Updates that were acknowledged, and what the counter says. */
  async function count(isGuarded: boolean) {
    const server = await startTestServer();
    onTestFinished(() => server.stop());
    const { alice } = await createWorld(server);
    const path = `/api/v1/devices/${alice.device.deviceId}/state`;
    const holder = () => startHolder([server.httpUrl, path, alice.token, String(isGuarded)]);
    const [stopped, other] = [holder(), holder()];
    let acknowledged = 0;
    const write = async (writer: Holder) => {
      if ((await writer.tell('write')) === '200') acknowledged++;
    };
    for (let round = 0; round < 4; round++) {
      await stopped.tell('begin');
      stopped.child.kill('SIGSTOP');
      // It gets the lock when the lease of the one that stands still is over.
      await other.tell('begin');
      await write(other);
      stopped.child.kill('SIGCONT');
      await write(stopped);
    }
    const { desired } = await server.get<{ desired: { state: { counter: number } } }>(path, alice.token);
    return { acknowledged, counter: desired.state.counter };
  }

  it('loses no update where the token is checked', async () => {
    expect(await count(true)).toEqual({ acknowledged: 4, counter: 4 });
  }, 60_000);

  it('loses some where it is not', async () => {
    const { acknowledged, counter } = await count(false);
    expect(acknowledged).toBe(8);
    expect(counter).toBeLessThan(acknowledged);
  }, 60_000);
});

describe('a server that is killed', () => {
  it('has kept what was held, with its token, and the places of those who ask again', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'yggdrasil-locks-'));
    chmodSync(directory, 0o711);
    onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
    const environment = { YGGDRASIL_DATA_DIR: join(directory, 'data') };
    const first = await startServerProcess(environment);
    onTestFinished(() => void first.child.kill('SIGKILL'));
    let url = first.httpUrl;
    let token = '';
    const ask = async (method: string, path: string, body?: unknown) => {
      const answer = await fetch(`${url}${path}`, {
        method,
        headers: {
          'content-type': 'application/json',
          ...(token === '' ? {} : { authorization: `Bearer ${token}` }),
        },
        body: body === undefined ? null : JSON.stringify(body),
      });
      return (await answer.json()) as { token: string; id: string; items: { waiting: number }[] };
    };
    token = (await ask('POST', '/api/v1/setup', { code: first.setupCode, name: 'Somebody' })).token;
    const wanted = { name: 'kept', leaseSeconds: 600, waitSeconds: 50 };
    const held = await ask('POST', '/api/v1/locks', wanted);
    const ids = [randomUUID(), randomUUID()] as const;
    const waitFor = async (waiting: number) =>
      eventually(
        `${waiting} wait`,
        async () => (await ask('GET', '/api/v1/locks?name=kept')).items[0]?.waiting === waiting,
        20_000,
      );
    const lost: Promise<unknown>[] = [];
    for (const [index, id] of ids.entries()) {
      lost.push(ask('POST', '/api/v1/locks', { ...wanted, id }).catch(() => 'lost'));
      await waitFor(index + 1);
    }
    await first.end('SIGKILL');
    expect(await Promise.all(lost)).toEqual(['lost', 'lost']);
    const second = await startServerProcess(environment);
    onTestFinished(async () => void (await second.end('SIGTERM')));
    url = second.httpUrl;
    expect((await ask('POST', `/api/v1/locks/claims/${held.id}/renew`, {})).token).toBe(held.token);
    // The other way round: the place counts, not who asks again first.
    const late = ask('POST', '/api/v1/locks', { ...wanted, id: ids[1] });
    const early = ask('POST', '/api/v1/locks', { ...wanted, id: ids[0] });
    await ask('DELETE', `/api/v1/locks/claims/${held.id}`);
    expect((await early).token).toBe(2);
    await ask('DELETE', `/api/v1/locks/claims/${ids[0]}`);
    expect((await late).token).toBe(3);
  }, 120_000);
});
