import { spawn } from 'node:child_process';
import {
  closeSync,
  constants,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { CRASH_SETTINGS, surviveCrashes } from '../support/crash/survive.ts';
import { readNumber, readSeed } from '../support/options.ts';
import { createLosableDisk, type LosableDisk } from '../support/power-loss/losable-disk.ts';
import { type ServerProcess, startServerProcess } from '../support/server-process.ts';

function sync(path: string): void {
  const file = openSync(path, 'r');
  fsyncSync(file);
  closeSync(file);
}

describe('the disk of these tests, after a loss of power', () => {
  let disk: LosableDisk;
  const at = (...names: string[]) => join(disk.path, ...names);

  beforeEach(async () => {
    disk = await createLosableDisk();
  });
  afterEach(() => disk.remove());

  async function lose(seed?: number): Promise<void> {
    await disk.cut();
    expect(() => statSync(at('anything'))).toThrow(/ENOTCONN/);
    await disk.restore(seed);
  }

  it('keeps what was synced, and the size it had', async () => {
    const text = 'x'.repeat(10_000);
    writeFileSync(at('file'), text, { flush: true });
    sync(disk.path);
    writeFileSync(at('file'), 'unsynced', { flag: 'r+' });
    writeFileSync(at('file'), 'and longer', { flag: 'a' });
    expect(readFileSync(at('file'), 'utf8')).toBe(`unsynced${text.slice(8)}and longer`);
    await lose();
    expect(readFileSync(at('file'), 'utf8')).toBe(text);
  });

  it('keeps what was written through O_DSYNC', async () => {
    const file = openSync(at('log'), constants.O_CREAT | constants.O_WRONLY | constants.O_DSYNC);
    sync(disk.path);
    writeSync(file, 'synced');
    closeSync(file);
    await lose();
    expect(readFileSync(at('log'), 'utf8')).toBe('synced');
  });

  it('is without names that were not synced, whether made, linked, renamed or removed', async () => {
    for (const name of ['renamed', 'removed']) writeFileSync(at(name), name, { flush: true });
    mkdirSync(at('folder'));
    sync(disk.path);
    renameSync(at('renamed'), at('other'));
    linkSync(at('removed'), at('linked'));
    writeFileSync(at('folder', 'empty'), 'data without a sync');
    writeFileSync(at('made'), '');
    mkdirSync(at('new folder'));
    await lose();
    expect(readdirSync(disk.path).sort()).toEqual(['folder', 'removed', 'renamed']);
    expect(readdirSync(at('folder'))).toEqual([]);
  });

  it('has a synced file under its first name, not under a later one', async () => {
    writeFileSync(at('first'), 'text', { flush: true });
    renameSync(at('first'), at('second'));
    sync(at('second'));
    await lose();
    expect(readdirSync(disk.path)).toEqual(['first']);
    expect(readFileSync(at('first'), 'utf8')).toBe('text');
  });

  it('has the folders above what was synced, and nothing else that was made there later', async () => {
    mkdirSync(at('a', 'b'), { recursive: true });
    writeFileSync(at('a', 'b', 'file'), 'text', { flush: true });
    writeFileSync(at('a', 'later'), '');
    await lose();
    expect(readFileSync(at('a', 'b', 'file'), 'utf8')).toBe('text');
    expect(readdirSync(at('a'))).toEqual(['b']);
  });

  it('is lost again with the same result, and holds what was written in between', async () => {
    writeFileSync(at('one'), 'one', { flush: true });
    await lose();
    writeFileSync(at('two'), 'two', { flush: true });
    writeFileSync(at('one'), 'changed');
    await lose();
    expect([readFileSync(at('one'), 'utf8'), readFileSync(at('two'), 'utf8')]).toEqual(['one', 'two']);
  });

  it('may hold, by a seed, a part of what was not synced, in blocks of 4 KiB', async () => {
    const blocks = 64;
    const kept = 'k'.repeat(4096 * blocks);
    const found = new Set<string>();
    for (let seed = 1; seed <= 8; seed++) {
      writeFileSync(at('file'), kept, { flush: true });
      writeFileSync(at('file'), 'n'.repeat(4096 * blocks), { flag: 'r+' });
      await lose(seed);
      const text = readFileSync(at('file'), 'utf8');
      expect(text).toMatch(/^(k{4096}|n{4096})+$/);
      found.add(text);
    }
    expect(found.size).toBeGreaterThan(4);
  });

  it('ends every process that works on it when the power goes', async () => {
    const child = spawn('sleep', ['1000'], { cwd: disk.path });
    const ended = new Promise((resolve) => child.once('close', (_code, signal) => resolve(signal)));
    await lose();
    expect(await ended).toBe('SIGKILL');
  });
});

describe('a loss of power under load, and a restart', () => {
  const rounds = readNumber('YGGDRASIL_TEST_LOSSES', 2);
  let disk: LosableDisk;
  let server: ServerProcess | null = null;

  beforeAll(async () => {
    disk = await createLosableDisk();
  });
  afterAll(async () => {
    await server?.end('SIGTERM');
    await disk.remove();
  });

  async function start(): Promise<ServerProcess> {
    server = await startServerProcess({ ...CRASH_SETTINGS, YGGDRASIL_DATA_DIR: join(disk.path, 'data') });
    return server;
  }

  async function losePower(running: ServerProcess, seed: number): Promise<void> {
    const gone = disk.cut();
    await running.end('SIGKILL');
    await gone;
    await disk.restore(seed);
  }

  it(
    'loses no accepted message and no cent, keeps the order, and leaves no hold open past its expiry',
    async () => {
      const seed = readSeed();
      await surviveCrashes({
        rounds,
        seed,
        start,
        // All that was not synced is gone, and every other time a part of it.
        crash: (running, round) => losePower(running, round % 2 === 1 ? 0 : seed + round),
      });
    },
    60_000 + rounds * 150_000,
  );
});
