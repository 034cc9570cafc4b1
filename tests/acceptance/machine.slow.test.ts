import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { eventually } from '../integration/http/server-under-test.ts';
import { startServerProcess } from '../support/server-process.ts';

const PROGRAM = 'build/yggdrasil.js';
const isRoot = userInfo().uid === 0;
/** In no list of users. */
const NUMBER = '54321';
/** Runs a program as that user, in a checkout that it reaches also where the true one lies in a folder closed to others. */
const AS_NUMBER =
  'mount --bind . "$0" && cd "$0" && exec setpriv --reuid=$1 --regid=$1 --clear-groups "$2" "$3" server';

let directory: string;
let data: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'yggdrasil-machine-'));
  chmodSync(directory, 0o711);
  data = join(directory, 'data');
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const startAndStop = async () => {
  const server = await startServerProcess({ YGGDRASIL_DATA_DIR: data });
  expect(await server.end('SIGTERM')).toBe(0);
};

/** Starts the program, ready or not. */
function begin(
  environment: Record<string, string>,
  [command, ...words]: readonly [string, ...string[]] = [process.execPath, PROGRAM, 'server'],
) {
  const inherited = Object.entries(process.env).filter(([name]) => /^(PATH|TMPDIR)$/.test(name));
  const child = spawn(command, words, {
    env: { ...Object.fromEntries(inherited), YGGDRASIL_PORT: '0', YGGDRASIL_MQTT_PORT: '0', ...environment },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let errors = '';
  child.stderr.on('data', (chunk) => {
    errors += chunk;
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  return { child, ended: once(child, 'close').then(([code]) => ({ code: code as number | null, errors })) };
}

describe('a folder with the setgid bit', () => {
  test.each([0o2711, 0o2700])(
    'around the data directory or as such, with mode %o, holds a server',
    async (mode) => {
      // The database's user passes by the folder above in any case.
      chmodSync(directory, mode | 0o011);
      mkdirSync(data);
      chmodSync(data, isRoot ? mode | 0o011 : mode);
      await startAndStop();
      await startAndStop();
    },
    60_000,
  );
});

describe('after a loss of power', () => {
  /** Another program of the database's user that lives. */
  function startStranger(uid: number, command: string, ...words: string[]): ChildProcess {
    const stranger = spawn(command, words, { stdio: 'ignore', ...(isRoot ? { uid, gid: uid } : {}) });
    onTestFinished(() => void stranger.kill('SIGKILL'));
    return stranger;
  }

  test("a lock whose number is another program's now, of the same user, keeps no server from starting, nor is that program told to stop", async () => {
    const server = await startServerProcess({ YGGDRASIL_DATA_DIR: data });
    const home = join(data, 'postgresql');
    const locks = [join(home, 'cluster', 'postmaster.pid'), join(home, 'run', '.s.PGSQL.5432.lock')];
    const texts = locks.map((path) => readFileSync(path, 'utf8'));
    const postmaster = Number.parseInt(texts[0] as string, 10);
    const uid = Number(/^Uid:\s+(\d+)/m.exec(readFileSync(`/proc/${postmaster}/status`, 'utf8'))?.[1]);
    process.kill(postmaster, 'SIGKILL');
    await server.end('SIGKILL');
    const strangers = [
      startStranger(uid, 'sleep', '600'),
      // It has the path among its words.
      startStranger(uid, 'tail', '-f', join(home, 'cluster', 'PG_VERSION')),
    ];
    for (const stranger of strangers) {
      locks.forEach((path, index) => {
        writeFileSync(path, (texts[index] as string).replace(/^\d+/, String(stranger.pid)));
      });
      await startAndStop();
      expect([stranger.exitCode, stranger.signalCode]).toEqual([null, null]);
    }
  }, 60_000);
});

describe('a user who is only a number, without a home', () => {
  const beginAsNumber = (environment: Record<string, string>) => {
    chmodSync(directory, 0o777);
    const checkout = join(directory, 'checkout');
    mkdirSync(checkout);
    const mounted = ['--mount', 'sh', '-c', AS_NUMBER, checkout, NUMBER, process.execPath, PROGRAM];
    return begin(environment, ['unshare', ...mounted]);
  };

  test.runIf(isRoot)('tries the database that DATABASE_URL names', async () => {
    const DATABASE_URL = 'postgres://user:password@127.0.0.1:1/database';
    const { code, errors } = await beginAsNumber({ YGGDRASIL_DATA_DIR: data, DATABASE_URL }).ended;
    expect([code, errors]).toEqual([
      1,
      expect.stringContaining("can't be reached: connect ECONNREFUSED 127.0.0.1:1"),
    ]);
    expect(errors.trim().split('\n')).toHaveLength(1);
  });

  test.runIf(isRoot)('is told that the embedded database wants a name', async () => {
    const { code, errors } = await beginAsNumber({ YGGDRASIL_DATA_DIR: data }).ended;
    expect([code, errors]).toEqual([
      1,
      expect.stringMatching(/^PostgreSQL wants a user who has a name.*DATABASE_URL\.\n$/),
    ]);
  });
});

describe('a first start that is cut short', () => {
  const home = () => join(data, 'postgresql');
  const namesIn = (path: string) =>
    statSync(path, { throwIfNoEntry: false })?.isDirectory() ? readdirSync(path) : [];
  const left = () => namesIn(home()).filter((name) => !['cluster', 'cluster.lock', 'run'].includes(name));

  test.each(['SIGTERM', 'SIGKILL'] as const)(
    'by %s leaves nothing once the next one is ready',
    async (signal) => {
      const moments: (() => boolean)[] = [
        () => namesIn(home()).some((name) => name.endsWith('.password')),
        () => left().some((name) => namesIn(join(home(), name)).includes('global')),
        () => namesIn(home()).includes('cluster'),
      ];
      for (const moment of moments) {
        const { child, ended } = begin({ YGGDRASIL_DATA_DIR: data });
        await eventually('the moment', moment);
        child.kill(signal);
        await ended;
        if (signal === 'SIGTERM') expect(left()).toEqual([]);
        await startAndStop();
        expect(left()).toEqual([]);
        expect(namesIn(data).sort()).toEqual(['postgresql', 'postgresql.log', 'secrets.json']);
        rmSync(data, { recursive: true, force: true });
      }
    },
    120_000,
  );
});
