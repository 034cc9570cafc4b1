import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { runCommand, type ServerProcess, startServerProcess } from '../support/server-process.ts';

let folder: string;
let environment: Record<string, string>;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'yggdrasil-operator-'));
  chmodSync(folder, 0o711);
  environment = { YGGDRASIL_DATA_DIR: join(folder, 'data') };
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const run = (command: string, ...words: string[]) => runCommand(command, { environment, arguments: words });

const ask = async ({ httpUrl }: ServerProcess, path: string, token: string) =>
  (await fetch(httpUrl + path, { headers: { authorization: `Bearer ${token}` } })).status;

const tokenIn = (stdout: string) => /^Token: (ygu_\S+)$/m.exec(stdout)?.[1] ?? '';
const userIn = (stdout: string) => /^User: {2}(\S+)/m.exec(stdout)?.[1] ?? '';

it('an operator gets in again with the data directory alone, once the server is stopped', async () => {
  const nowhere = await run('user', 'list');
  expect(nowhere).toMatchObject({ code: 1, stdout: '' });
  expect(nowhere.stderr).toMatch(/^user: No server has run with the data directory .*\n$/);

  const first = await startServerProcess(environment);
  try {
    const running = await run('user', 'add', 'Rescue');
    expect(running).toMatchObject({ code: 1, stdout: '' });
    expect(running.stderr).toMatch(/^user: .*This command works while the server is stopped\.\n$/);
  } finally {
    await first.end('SIGTERM');
  }

  const setupCode = /^Set-up code: (\w+)$/m.exec((await run('setup-code')).stdout)?.[1] ?? '';
  const [operator, user] = [
    await run('user', 'add', 'Rescue', '--operator'),
    await run('user', 'add', 'Ann'),
  ];
  expect([operator.code, user.code]).toEqual([0, 0]);
  expect((await run('user', 'list')).stdout).toMatch(/ {2}operator {2}Rescue\n.* {2}user {6}Ann\n$/);
  expect(await run('setup-code')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('There are users already'),
  });
  expect(await run('user', 'add', ' ')).toMatchObject({ code: 1, stdout: '' });

  const second = await startServerProcess(environment);
  let tokenId = '';
  try {
    expect(await ask(second, '/api/v1/users', tokenIn(operator.stdout))).toBe(200);
    expect(await ask(second, '/api/v1/users', tokenIn(user.stdout))).toBe(403);
    const list = await fetch(`${second.httpUrl}/api/v1/users/me/tokens`, {
      headers: { authorization: `Bearer ${tokenIn(operator.stdout)}` },
    });
    tokenId = ((await list.json()) as { items: { id: string }[] }).items[0]?.id ?? '';
    const setUp = await fetch(`${second.httpUrl}/api/v1/setup`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ code: setupCode, name: 'Late' }),
    });
    expect(setUp.status).toBe(403);
  } finally {
    await second.end('SIGTERM');
  }

  expect((await run('token', 'revoke', tokenId)).stdout).toBe(`revoked ${tokenId}\n`);
  expect((await run('token', 'revoke', tokenId)).code).toBe(1);
  expect((await run('token', 'revoke', '--user', userIn(user.stdout))).stdout).toBe('revoked 1 tokens\n');
  const third = await startServerProcess(environment);
  try {
    for (const { stdout } of [operator, user]) {
      expect(await ask(third, '/api/v1/users/me', tokenIn(stdout))).toBe(401);
    }
  } finally {
    await third.end('SIGTERM');
  }
}, 120_000);

it('what was answered is in the audit after a kill, and the audit is verified beside a running server and without one', async () => {
  const operator = tokenIn((await run('user', 'add', 'Auditor')).stdout);
  const killed = await startServerProcess(environment);
  const answered: number[] = [];
  const make = async (name: string) => {
    const { status } = await fetch(`${killed.httpUrl}/api/v1/networks`, {
      method: 'POST',
      headers: { authorization: `Bearer ${operator}`, 'content-type': 'application/json' },
      body: JSON.stringify({ name }),
    });
    answered.push(status);
  };
  for (let count = 0; count < 5; count++) await make(`Network ${count}`);
  const beside = await run('audit', 'verify');
  expect(beside).toMatchObject({ code: 0, stderr: '' });
  expect(beside.stdout).toMatch(/^logs: \d+, records: \d+, signed heads: \d+, waiting: \d+\n/);
  const rotated = await run('secrets', 'rotate');
  expect(rotated).toMatchObject({ code: 0, stderr: '' });
  expect(rotated.stdout).toMatch(
    /^Master key: {3}[\da-f]{16}\nRetired: {6}[\da-f]{16}\. .*\nSealed anew: {2}0\n$/,
  );
  await make('The last one');
  await killed.end('SIGKILL');
  expect(answered).toEqual([201, 201, 201, 201, 201, 201]);
  expect(await run('audit', 'verify')).toMatchObject({ code: 0, stderr: '' });
  const next = await startServerProcess(environment);
  try {
    const list = await fetch(`${next.httpUrl}/api/v1/audit`, {
      headers: { authorization: `Bearer ${operator}` },
    });
    const { items } = (await list.json()) as { items: { operation: string }[] };
    expect(items.filter(({ operation }) => operation === 'networks.create')).toHaveLength(6);
  } finally {
    await next.end('SIGTERM');
  }
  const forged = join(folder, 'forged');
  const head = {
    tenantId: '00000000-0000-4000-8000-000000000001',
    size: 1,
    signedAt: '2026-01-01T00:00:00.000Z',
  };
  const bytes = { root: '00'.repeat(32), publicKey: '00'.repeat(32), signature: '00'.repeat(64) };
  writeFileSync(forged, `${JSON.stringify({ ...head, ...bytes })}\n`);
  const found = await run('audit', 'verify', '--witness', forged);
  expect(found).toMatchObject({ code: 1, stderr: 'audit: 1 problems were found.\n' });
  expect(found.stdout).toContain('a witness has a head of 1 records, and the whole log is gone');
}, 120_000);
