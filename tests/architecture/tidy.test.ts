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
const ALL = [...PRODUCT, 'bench', 'tests'];
const THIS_FILE = 'tests/architecture/tidy.test.ts';
const code = sources(ALL, ['.ts']).filter(([path]) => path !== THIS_FILE);
const product = code.filter(([path]) => PRODUCT.some((folder) => path.startsWith(`${folder}/`)));

/** Paths of the files in which the pattern occurs. */
const having = (files: [string, string][], pattern: RegExp) =>
  files.filter(([, text]) => pattern.test(text)).map(([path]) => path);

describe('names', () => {
  it('of files are in kebab-case', () => {
    const wrong = code.map(([path]) => path).filter((path) => !/^[a-z0-9./-]+$/.test(path));
    expect(wrong).toEqual([]);
  });

  it('are never utils, helpers, manager or misc', () => {
    const wrong = code
      .map(([path]) => path)
      .filter((path) => /\b(utils?|helpers?|manager|misc)\b/.test(path));
    expect(wrong).toEqual([]);
    expect(having(product, /\b(class|function|const|interface) \w*(Utils?|Helpers?|Manager)\b/)).toEqual([]);
  });

  it('of interfaces have no I in front', () => {
    expect(having(product, /\binterface I[A-Z][a-z]/)).toEqual([]);
  });
});

describe('code', () => {
  it('has no unfinished work and nothing switched off', () => {
    expect(having(code, /\b(TODO|FIXME|XXX|HACK)\b|@ts-(ignore|nocheck)|biome-ignore/)).toEqual([]);
    expect(having(code, /\b(describe|it|test)\.(skip|only|todo|skipIf)\b/)).toEqual([]);
  });

  it('fits on a few screens a file', () => {
    const long = code.filter(([, text]) => text.split('\n').length > 450).map(([path]) => path);
    expect(long).toEqual([]);
  });

  it('asks the clock and the dice it was given, in the server', () => {
    const server = product.filter(
      ([path]) => path.startsWith('server/') && !path.startsWith('server/platform/'),
    );
    expect(
      having(server, /\bDate\.now\(|\bMath\.random\(|\bnew Date\(\)|\bsetInterval\(|\brandomUUID\(/),
    ).toEqual([]);
  });

  it('touches the process in main.ts only, in the server', () => {
    const server = product.filter(
      ([path]) =>
        path.startsWith('server/') && path !== 'server/main.ts' && !path.startsWith('server/platform/'),
    );
    expect(having(server, /\bprocess\.(env|exit|on|argv|cwd|stdout|stderr)\b/)).toEqual([]);
  });

  it('speaks SQL in stores and migrations only', () => {
    const others = product.filter(
      ([path]) => !path.endsWith('.postgres.ts') && !path.startsWith('server/platform/database/'),
    );
    expect(having(others, /\b(SELECT .+ FROM|INSERT INTO|DELETE FROM|UPDATE \w+ SET)\b/)).toEqual([]);
  });

  it('has a docstring on every exported function and class of the product', () => {
    const missing = product.flatMap(([path, text]) => {
      const lines = text.split('\n');
      return lines
        .map((line, index) => ({ line, before: lines[index - 1] ?? '', place: `${path}:${index + 1}` }))
        .filter(({ line }) => /^export (abstract |async )?(function|class) /.test(line))
        .filter(({ before }) => !/\*\/\s*$/.test(before))
        .map(({ place }) => place);
    });
    expect(missing).toEqual([]);
  });
});

describe('domains', () => {
  const domains = readdirSync('server/domains');

  it.each(domains)('%s has a border and a README of about twenty lines', (domain) => {
    const readme = readFileSync(`server/domains/${domain}/README.md`, 'utf8').split('\n');
    expect(readme.length).toBeGreaterThan(5);
    expect(readme.length).toBeLessThan(45);
    expect(readFileSync(`server/domains/${domain}/index.ts`, 'utf8')).toContain('export');
  });

  it('write to their own tables only', () => {
    const owned = new Map(
      domains.map((domain) => {
        const readme = readFileSync(`server/domains/${domain}/README.md`, 'utf8');
        const tables = /Tables(?: owned)?: ([^.]+)\./.exec(readme)?.[1] ?? '';
        return [domain, new Set([...tables.matchAll(/`(\w+)`/g)].map(([, table]) => table))] as const;
      }),
    );
    const foreign = sources(['server/domains'], ['.postgres.ts']).flatMap(([path, text]) => {
      const own = owned.get(path.split('/')[2] ?? '') ?? new Set();
      const tables = [...text.matchAll(/(?:INSERT INTO|UPDATE|DELETE FROM|FROM|JOIN) ([a-z]+_?[a-z_]*)\b/g)];
      return tables
        .map(([, table]) => table ?? '')
        .filter((table) => [...owned.values()].some((names) => names.has(table)) && !own.has(table))
        .map((table) => `${path}: ${table}`);
    });
    expect(foreign).toEqual([]);
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
