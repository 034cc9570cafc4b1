import { readdirSync, readFileSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { page } from '../../support/core.ts';

const folder = fileURLToPath(page);
const html = readFileSync(`${folder}index.html`, 'utf8');
/** What a browser loads before it shows anything. */
const first = [
  'index.html',
  ...[...html.matchAll(/(?:src|href)="\/([^"]+)"/g)].map(([, path]) => path ?? ''),
];
const kilobytes = (paths: readonly string[], ending: string) =>
  paths.reduce((sum, path) => sum + statSync(`${folder}${path}${ending}`).size, 0) / 1000;

describe('the built page', () => {
  it.each(['.br', '.gz'])('is loaded with less than 150 KB, its script with less than 100 (%s)', (ending) => {
    expect(first.length).toBeGreaterThan(2);
    expect(kilobytes(first, ending)).toBeLessThan(150);
    const scripts = first.filter((path) => path.endsWith('.js'));
    expect(kilobytes(scripts, ending)).toBeGreaterThan(10);
    expect(kilobytes(scripts, ending)).toBeLessThan(100);
  });

  it('has nothing written into its HTML that its policy would refuse, and names no other host', () => {
    expect(html).not.toMatch(/<style|style=|<script(?![^>]*src=)|\son\w+=|https?:/);
  });

  it('has a hash in the name of every part', () => {
    const parts = readdirSync(`${folder}assets`);
    expect(parts.filter((name) => !/-[\w-]{8}\.(js|css|svg)(\.br|\.gz)?$/.test(name))).toEqual([]);
  });
});
