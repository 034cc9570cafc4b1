import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readStaticFiles, type StaticFiles } from '../../../server/platform/http/static-files.ts';

const root = mkdtempSync(join(tmpdir(), 'yggdrasil-static-'));
const folder = join(root, 'page');
const script = 'assets/index-D3adB33f.js';
let files: StaticFiles;

beforeAll(() => {
  mkdirSync(join(folder, 'assets'), { recursive: true });
  writeFileSync(join(root, 'secret.html'), 'secret');
  writeFileSync(join(folder, 'index.html'), '<p>');
  writeFileSync(join(folder, 'notes.txt'), 'not served');
  writeFileSync(join(folder, script), 'run()');
  writeFileSync(join(folder, `${script}.br`), brotliCompressSync('run()'));
  writeFileSync(join(folder, `${script}.gz`), gzipSync('run()'));
  files = readStaticFiles(folder, { 'content-security-policy': "default-src 'none'" });
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

const ask = (path: string, headers: Readonly<Record<string, string>> = {}) =>
  files.answer(path, { header: (name) => headers[name] });

describe('a file that was read', () => {
  it.each([
    [{}, undefined],
    [{ 'accept-encoding': 'gzip, deflate' }, 'gzip'],
    [{ 'accept-encoding': 'GZIP, br;q=0.5' }, 'br'],
    [{ 'accept-encoding': 'br;q=0, gzip;q=0.000' }, undefined],
    [{ 'accept-encoding': 'brotli' }, undefined],
  ])('is sent to who accepts %j as %s', (headers, coding) => {
    const answer = ask(script, headers);
    expect([answer?.status, answer?.headers?.['content-encoding']]).toEqual([200, coding]);
    expect(answer?.headers?.['content-type']).toBe('text/javascript; charset=utf-8');
    expect(answer?.headers?.vary).toBe('accept-encoding');
    expect(answer?.headers?.['content-security-policy']).toBe("default-src 'none'");
  });

  it('is kept for good where its name has a hash, else asked for each time', () => {
    expect(ask(script)?.headers?.['cache-control']).toBe('public, max-age=31536000, immutable');
    expect(ask('index.html')?.headers?.['cache-control']).toBe('no-cache');
  });

  it('is not sent again to who has it, in the same coding', () => {
    const etag = ask(script)?.headers?.etag ?? '';
    const again = ask(script, { 'if-none-match': `"other", ${etag}` });
    expect([again?.status, again?.body]).toEqual([304, undefined]);
    expect(ask(script, { 'if-none-match': etag, 'accept-encoding': 'br' })?.status).toBe(200);
    expect(ask(script, { 'if-none-match': `W/${etag}` })?.status).toBe(304);
    expect(ask(script, { 'if-none-match': '*' })?.status).toBe(304);
  });

  it('stays as it was read, whatever happens to the folder', () => {
    writeFileSync(join(folder, 'index.html'), '<p>changed');
    writeFileSync(join(folder, 'later.html'), 'later');
    expect(Buffer.from(ask('index.html')?.body as Uint8Array).toString()).toBe('<p>');
    expect(ask('later.html')).toBeNull();
  });
});

it.each(['', '.', '../secret.html', 'assets/../../secret.html', `/${script}`, 'notes.txt', `${script}.br`])(
  'nothing is at %j',
  (path) => {
    expect(ask(path)).toBeNull();
  },
);
