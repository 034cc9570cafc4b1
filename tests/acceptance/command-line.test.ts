import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createProgram } from '../../server/program.ts';
import { commandNames, SILENT } from '../support/program.ts';
import { runCommand, startServerProcess } from '../support/server-process.ts';

const program = fileURLToPath(new URL('../../build/yggdrasil.js', import.meta.url));
const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };

const COMMANDS = commandNames(createProgram(SILENT));
/** Those whose process is looked at; tests/unit/program asks all of them without one. */
const SOME = ['server', 'frame', 'frame encode', 'remove-data'];

/** Where each call runs: what it makes would be found here. */
let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'yggdrasil-command-line-'));
  chmodSync(directory, 0o711);
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** Runs the program to its end with the defaults of somebody who has configured nothing. */
function run(commandLine: string) {
  const words = commandLine.split(' ').filter((word) => word !== '');
  const environment = Object.entries(process.env).filter(
    ([name]) => !name.startsWith('YGGDRASIL_') && name !== 'DATABASE_URL',
  );
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...words], {
    cwd: directory,
    env: { ...Object.fromEntries(environment), YGGDRASIL_LOGIN_FILE: join(directory, 'no-login') },
    encoding: 'utf8',
    timeout: 20_000,
  });
  return { status, stdout, stderr, made: readdirSync(directory) };
}

describe('yggdrasil --help', () => {
  it('names every command and exit code', () => {
    const { status, stdout } = run('--help');
    expect(status).toBe(0);
    for (const command of COMMANDS.filter((name) => !name.includes(' ')))
      expect(stdout).toMatch(new RegExp(`^ {2}${command}\\b`, 'm'));
    expect(stdout).toMatch(/0 {2}done\n {2}1 {2}failed\n {2}2 {2}used wrongly/);
  });

  it.each(SOME)('is answered by %s, which makes nothing', (command) => {
    const { status, stdout, stderr, made } = run(`${command} --help`);
    expect({ status, stderr, made }).toEqual({ status: 0, stderr: '', made: [] });
    expect(stdout).toContain(`Usage: yggdrasil ${command}`);
  });

  it('is what "help" prints', () => {
    expect(run('help').stdout).toBe(run('--help').stdout);
    expect(run('help frame').stdout).toBe(run('frame --help').stdout);
  });
});

describe('yggdrasil --version', () => {
  it.each(['', ...SOME])('is answered with the version by "%s", which makes nothing', (command) => {
    const expected = { status: 0, stdout: `${version}\n`, stderr: '', made: [] };
    expect(run(`${command} --version`)).toEqual(expected);
  });
});

describe('a wrong command line', () => {
  it.each(SOME)('with an option that %s does not know ends with exit code 2 and makes nothing', (command) => {
    const { status, stdout, stderr, made } = run(`${command} --no-such-option`);
    expect({ status, stdout, made }).toEqual({ status: 2, stdout: '', made: [] });
    // What is missing is said first.
    expect(stderr).toMatch(
      /^error: (unknown option '--no-such-option'|required option '--(credentials|yes))/,
    );
  });

  it.each([
    ['serve', 'Did you mean server?'],
    ['frame encod', 'Did you mean encode?'],
    ['demo --onse', 'Did you mean --once?'],
    ['server 8080', 'too many arguments'],
    ['bench cores', 'Allowed choices are core'],
    ['rule-endpoint --port 65536', 'It must be a whole number from 0 to 65535.'],
    ['provider --slots 0', 'It must be a whole number from 1 to 1000.'],
    ['ratatoskr call devices.list --input x', 'It must be an object in JSON.'],
    ['ratatoskr call devices.list', 'or give --credentials, --token, or YGGDRASIL_TOKEN.'],
    ['act 01980000-0000-7000-8000-000000000000 x --arg y', 'It must look like name=value.'],
    ['lock backup -- true', 'or give --credentials, --token, or YGGDRASIL_TOKEN.'],
    ['user add', "missing required argument 'name'"],
    ['token revoke x', 'It must be an id.'],
    ['remove-data', "required option '--yes' not specified"],
    ['frame encode --type ping', "required option '--credentials <file>' not specified"],
  ])('%s ends with exit code 2 and says what is wrong', (commandLine, message) => {
    const { status, stdout, stderr, made } = run(commandLine);
    expect({ status, stdout, made }).toEqual({ status: 2, stdout: '', made: [] });
    expect(stderr).toContain(message);
  });

  it.each(['', 'frame'])(
    'that names no command ("%s") ends with exit code 2 and help on stderr',
    (commandLine) => {
      const { status, stdout, stderr } = run(commandLine);
      expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
      expect(stderr).toContain('Commands:');
    },
  );
});

describe('a command that fails', () => {
  it('ends with exit code 1 and one line that begins with its name', () => {
    const { status, stdout, stderr } = run('frame encode --type ping --credentials nowhere.json');
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr).toMatch(/^frame: .*nowhere\.json.*\n$/);
  });
});

describe('yggdrasil bench', () => {
  it('lists the suites without one', () => {
    const { status, stdout } = run('bench');
    expect(status).toBe(0);
    expect(stdout).toContain('needs build/core.wasm');
  });
});

describe('yggdrasil server', () => {
  it('starts, answers, makes its data directory, and stops with exit code 0', async () => {
    const server = await startServerProcess({ YGGDRASIL_DATA_DIR: join(directory, 'data') });
    expect((await fetch(`${server.httpUrl}/healthz`)).status).toBe(200);
    expect(readdirSync(directory)).toEqual(['data']);
    expect(await server.end('SIGTERM')).toBe(0);
  });
});

describe('yggdrasil remove-data', () => {
  const remove = (data: string) =>
    runCommand('remove-data', { arguments: ['--yes'], environment: { YGGDRASIL_DATA_DIR: data } });

  it('refuses while a server uses the directory, then removes it with the database, wherever that is', async () => {
    // Root's database user can't enter a folder that is closed to it.
    const closed = mkdtempSync(join(directory, 'closed-'));
    const data = join(closed, 'data');
    const server = await startServerProcess({ YGGDRASIL_DATA_DIR: data });
    const database = dirname(
      /"database":"([^"]+)","message":"the database is here"/.exec(server.output())?.[1] ?? '',
    );
    expect(existsSync(join(database, 'cluster', 'PG_VERSION'))).toBe(true);
    const refused = await remove(data);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/^remove-data: A server uses the database in .*: stop it first\.\n$/);
    expect(await server.end('SIGTERM')).toBe(0);
    const removed = await remove(data);
    expect(removed).toMatchObject({ code: 0, stderr: '' });
    expect(removed.stdout).toContain(`removed ${database}\n`);
    expect([existsSync(database), readdirSync(closed)]).toEqual([false, []]);
    expect((await remove(data)).stdout).toBe('There is nothing to remove.\n');
  }, 90_000);

  it('leaves what is not of the server', async () => {
    const data = join(directory, 'data');
    mkdirSync(data);
    writeFileSync(join(data, 'mine.txt'), 'mine');
    writeFileSync(join(data, 'secrets.json'), '{}');
    expect((await remove(data)).stdout).toBe(`removed ${join(data, 'secrets.json')}\n`);
    expect(readdirSync(data)).toEqual(['mine.txt']);
  });
});

describe('the built program', () => {
  it('can be executed as it is', () => {
    expect(statSync(program).mode & 0o111).toBe(0o111);
    expect(readFileSync(program, 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/);
  });

  it('loads only descriptions for help, and no package but commander', () => {
    const { sources, packages } = loadedBy('yggdrasil.js');
    expect(packages).toEqual(new Set(['commander']));
    expect([...sources].filter((path) => path.endsWith('/main.ts'))).toEqual([]);
    expect([...sources].filter((path) => path.startsWith('server/')).sort()).toEqual([
      'server/command.ts',
      'server/program.ts',
      'server/yggdrasil.ts',
    ]);
  });

  it('loads nothing of the server for the frame tool', () => {
    const { sources } = loadedBy(fileWith('device/frame/main.ts'));
    expect(sources).toContain('device/frame/encode.ts');
    expect([...sources].filter((path) => /^(server|bench)\//.test(path))).toEqual([]);
  });
});

/** The sources and packages that Node loads with a built file, before any of it asks for more. */
function loadedBy(file: string): { sources: Set<string>; packages: Set<string> } {
  const files = new Set([file]);
  const sources = new Set<string>();
  const packages = new Set<string>();
  for (const name of files) {
    for (const source of sourcesOf(name)) sources.add(source);
    const text = readFileSync(join(dirname(program), name), 'utf8');
    for (const [, imported = ''] of text.matchAll(/^(?:import|export)\b[^;]*?"([^"\n]+)";$/gm)) {
      if (imported.startsWith('./')) files.add(imported.slice(2));
      else if (!imported.startsWith('node:')) packages.add(imported);
    }
  }
  return { sources, packages };
}

/** The sources in a built file, by path from the root. */
function sourcesOf(file: string): string[] {
  const map = JSON.parse(readFileSync(join(dirname(program), `${file}.map`), 'utf8')) as {
    sources: string[];
  };
  return map.sources.map((source) => source.replace(/^\.\.\//, ''));
}

/** The built file that holds a source. */
function fileWith(source: string): string {
  const files = readdirSync(dirname(program)).filter((name) => name.endsWith('.js'));
  return files.find((name) => sourcesOf(name).includes(source)) ?? '';
}

describe('what a server says', () => {
  /** Runs a command against what answers like this, and reads no more than its first bytes with `isCut`. */
  async function runWith(line: string, status: number, answer: object, isCut = false) {
    const server = createServer((_request, response) =>
      response.writeHead(status).end(JSON.stringify(answer)),
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    const words = [...line.split(' '), '--server', `http://127.0.0.1:${port}`, '--token', 't'];
    const child = spawn(process.execPath, [program, ...words], {
      env: { PATH: process.env.PATH, YGGDRASIL_LOGIN_FILE: join(directory, 'no-login') },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const said: Buffer[] = [];
    child.stderr.on('data', (piece: Buffer) => said.push(piece));
    if (isCut) child.stdout.once('data', () => child.stdout.destroy());
    const [code] = (await once(child, 'close')) as [number | null];
    server.close();
    return { code, stderr: Buffer.concat(said).toString() };
  }

  it('commands no terminal where it is a refusal', async () => {
    const error = { code: 'x', message: 'a\u001b]0;title\u0007\u001b[2J' };
    const { code, stderr } = await runWith('keys list', 403, { error });
    expect([code, stderr]).toEqual([1, 'keys: The server refuses: 403 x: a\ufffd]0;title\ufffd\ufffd[2J\n']);
  });

  it('is no whole answer of a model where its end is missing', async () => {
    const { code, stderr } = await runWith('chat --model m Hello', 200, {});
    expect([code, stderr]).toEqual([1, expect.stringMatching(/\nchat: The answer broke off\.\n$/)]);
  });

  it('may be cut where somebody has read enough of it', async () => {
    const items = Array.from({ length: 20_000 }, (_, id) => ({ id, name: 'x'.repeat(200) }));
    expect(await runWith('keys list --json', 200, { items, next: null }, true)).toEqual({
      code: 0,
      stderr: '',
    });
  });
});
