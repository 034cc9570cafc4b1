import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { CODE_FOLDERS } from './tree.ts';

const FOLDER = 'tests/architecture/fixtures';
/** In the project, so that packages are found; in build/, so that nothing else looks at it. */
const OVERLAY = 'build/architecture';

/** A deliberate break of one rule: files that are laid over the project. */
export interface Fixture {
  readonly name: string;
  /** The rule that must refuse it. */
  readonly rule: string;
  /** Text by the path that it claims. */
  readonly files: ReadonlyMap<string, string>;
}

/**
 * The breaks in `tests/architecture/fixtures/`. A file begins with `// breaks: <rule>` and has a section for each file
 * that it lays over the project, each after `// file: <path>`. `// times 80: <line>` stands for eighty such lines.
 */
export function readFixtures(): readonly Fixture[] {
  return readdirSync(FOLDER)
    .filter((name) => name.endsWith('.fixture'))
    .sort()
    .map((name) => parseFixture(name.slice(0, -'.fixture'.length), readFileSync(join(FOLDER, name), 'utf8')));
}

function parseFixture(name: string, text: string): Fixture {
  const [head = '', ...sections] = text.split(/^\/\/ file: /m);
  const rule = /^\/\/ breaks: (\S+)$/m.exec(head)?.[1];
  if (rule === undefined || sections.length === 0) throw new Error(`${name} names no rule or no file`);
  const files = sections.map((section): [string, string] => {
    const end = section.indexOf('\n');
    return [section.slice(0, end), expand(section.slice(end + 1))];
  });
  return { name, rule, files: new Map(files) };
}

function expand(text: string): string {
  return text.replace(/^[ ]*\/\/ times (\d+): (.*)$/gm, (_, times: string, line: string) =>
    Array.from({ length: Number(times) }, () => line).join('\n'),
  );
}

/** Copies the project's code and lays the fixtures over it; gives the folder. Refuses two files at one path. */
export function layOver(fixtures: readonly Fixture[]): string {
  rmSync(OVERLAY, { recursive: true, force: true });
  for (const name of [...CODE_FOLDERS, 'tsconfig.json', '.dependency-cruiser.cjs', 'package.json']) {
    cpSync(name, join(OVERLAY, name), { recursive: true });
  }
  for (const { name, files } of fixtures) {
    for (const [path, text] of files) {
      const place = join(OVERLAY, path);
      mkdirSync(dirname(place), { recursive: true });
      try {
        writeFileSync(place, text, { flag: 'wx' });
      } catch (error) {
        throw new Error(`${name}: ${path} is taken`, { cause: error });
      }
    }
  }
  return OVERLAY;
}

/** A file in each layer of more than fixed files that imports a package which no list names. */
export function foreignImports(layers: readonly string[]): readonly Fixture[] {
  return layers
    .filter((layer) => !['main', 'program', 'page-build'].includes(layer))
    .map((layer) => {
      const isOfServer = /^(kernel|config|dashboard|jobs|app|transports|platform|domains)(\/|$)/.test(layer);
      const path = `${isOfServer ? 'server/' : ''}${layer}/foreign-import.ts`;
      const text = "import ts from 'typescript';\n\nexport const version = ts.version;\n";
      return {
        name: `${layer} imports a package of its own choice`,
        rule: `imports-of-${layer}`,
        files: new Map([[path, text]]),
      };
    });
}
