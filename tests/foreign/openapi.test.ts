import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ServerProcess, startServerProcess } from '../support/server-process.ts';

/** Asks every operation of an OpenAPI document for what it says, and for what it excludes. */
const SCHEMATHESIS = '4.32.5';
const VENV = resolve('build/foreign/schemathesis');
const CHECKS = [
  'not_a_server_error',
  'status_code_conformance',
  'content_type_conformance',
  'response_headers_conformance',
  'response_schema_conformance',
  'negative_data_rejection',
  'unsupported_method',
  'allow_header_conformance',
  'ignored_auth',
];
/** Streams that don't end, an order that is waited for, and what takes the account or its token away from the caller. */
const LEFT_OUT =
  'live|events|/setup$|/users/me$|logout|/users/me/tokens|/users/\\{userId\\}|/commands$|/tenants';

const run = promisify(execFile);
let folder: string;
let server: ServerProcess;

beforeAll(async () => {
  await run('python3', ['-m', 'venv', VENV]);
  await run(join(VENV, 'bin', 'pip'), ['install', '--quiet', `schemathesis==${SCHEMATHESIS}`]);
  folder = await mkdtemp(join(tmpdir(), 'yggdrasil-openapi-'));
  server = await startServerProcess({
    YGGDRASIL_DATA_DIR: join(folder, 'data'),
    YGGDRASIL_RATE_LIMITS: 'off',
    YGGDRASIL_ABUSE_MEASURES: 'alert',
    YGGDRASIL_LOG_LEVEL: 'error',
  });
});

afterAll(async () => {
  await server?.end('SIGTERM');
  await rm(folder, { recursive: true, force: true });
});

test('every operation does what the OpenAPI document says of it, whatever it is sent', async () => {
  const made = await fetch(`${server.httpUrl}/api/v1/setup`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ code: server.setupCode, name: 'Operator' }),
  });
  const { token } = (await made.json()) as { token: string };
  const { stdout } = await run(
    join(VENV, 'bin', 'schemathesis'),
    [
      ...['run', `${server.httpUrl}/openapi.json`, '--header', `Authorization: Bearer ${token}`],
      ...['--phases', 'coverage', '--checks', CHECKS.join(','), '--exclude-path-regex', LEFT_OUT],
      ...['--continue-on-failure', '--request-timeout', '30', '--no-color'],
    ],
    { cwd: folder, maxBuffer: 50_000_000 },
  ).catch((error: { stdout?: string }) => ({ stdout: error.stdout ?? String(error) }));
  // Whatever failed stands in front of the warnings, with what was sent.
  const found = stdout.slice(stdout.search(/^=+ (FAILURES|ERRORS) =+$/m), stdout.search(/^=+ WARNINGS =+$/m));
  expect(/^=+ (FAILURES|ERRORS)/.test(found) ? found : '').toBe('');
  expect(stdout).toMatch(/Test cases:\n +\d+ generated, \d+ passed(, \d+ skipped)?\n/);
  expect(server.output()).not.toMatch(/"level":"error"/);
});
