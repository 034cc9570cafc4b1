import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

/** Files of ours, by path from the root, with their text. */
function sources(folders: readonly string[], endings: readonly string[]): [path: string, text: string][] {
  return folders.flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .map((name) => join(folder, name))
      .filter((path) => endings.some((ending) => path.endsWith(ending)))
      .filter((path) => !path.startsWith('proto/generated') && statSync(path).isFile())
      .map((path): [string, string] => [path, readFileSync(path, 'utf8')]),
  );
}

const PRODUCT = ['assembly', 'proto', 'server', 'device'];
const product = sources(PRODUCT, ['.ts']);

describe('domains', () => {
  const domains = readdirSync('server/domains');

  it.each(domains)('%s has a border and a README of about twenty lines', (domain) => {
    const readme = readFileSync(`server/domains/${domain}/README.md`, 'utf8').split('\n');
    expect(readme.length).toBeGreaterThan(5);
    expect(readme.length).toBeLessThan(45);
    expect(readFileSync(`server/domains/${domain}/index.ts`, 'utf8')).toContain('export');
  });
});

describe('error codes', () => {
  it('are all used by the product', () => {
    const text = product.map(([, content]) => content).join('\n');
    const codes = [
      ...readFileSync('proto/yggdrasil/v1/error.proto', 'utf8').matchAll(/^ {2}([A-Z_0-9]+) = \d+;/gm),
    ]
      .map(([, name]) => name ?? '')
      .filter((name) => name !== 'ERROR_CODE_UNSPECIFIED');
    const unused = codes.filter(
      (name) =>
        !text.includes(`'${name.toLowerCase()}'`) &&
        !text.includes(`ErrorCode.${name}`) &&
        !new RegExp(`\\b${name.toLowerCase()}: \\[`).test(text),
    );
    expect(unused).toEqual([]);
  });

  it('have numbers that are used once', () => {
    const numbers = [
      ...readFileSync('proto/yggdrasil/v1/error.proto', 'utf8').matchAll(/^ {2}[A-Z_0-9]+ = (\d+);/gm),
    ].map(([, number]) => number);
    expect(new Set(numbers).size).toBe(numbers.length);
  });
});

describe('documents', () => {
  const documents = ['README.md', 'ARCHITECTURE.md', 'GLOSSARY.md', 'CONTRIBUTING.md', 'CHANGELOG.md'];

  it.each(documents)('%s names only files that exist', (document) => {
    const text = readFileSync(document, 'utf8');
    const mentioned = [
      ...text.matchAll(/`((?:assembly|proto|server|device|bench|tests|deploy)\/[\w./-]*)`/g),
    ].map(([, path]) => path ?? '');
    const missing = mentioned.filter((path) => {
      try {
        statSync(path);
        return false;
      } catch {
        return true;
      }
    });
    expect(missing).toEqual([]);
  });

  it('README.md names only npm scripts that exist', () => {
    const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as {
      scripts: Record<string, string>;
    };
    const named = [...readFileSync('README.md', 'utf8').matchAll(/npm run (?:--silent )?([a-z:-]+)/g)].map(
      ([, script]) => script ?? '',
    );
    expect(named.filter((script) => !(script in scripts))).toEqual([]);
    expect(named.length).toBeGreaterThan(3);
  });
});
