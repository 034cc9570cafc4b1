import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { CODE_FOLDERS, type SourceTree, type Violation } from './tree.ts';

const CRUISER = resolve('node_modules/dependency-cruiser/bin/dependency-cruise.mjs');
const OUTPUT_BYTES_MAX = 256 * 1024 * 1024;

interface Layers {
  readonly DOMAINS: Readonly<Record<string, { readonly sees: readonly string[] }>>;
  readonly LAYERS: readonly {
    readonly name: string;
    readonly path: string;
    readonly imports: readonly (readonly [
      path: string,
      because: string,
      limits?: { readonly only?: string },
    ])[];
  }[];
}

interface Cruised {
  readonly summary: { readonly violations: readonly CruiserViolation[] };
  readonly modules: readonly {
    readonly source: string;
    readonly dependencies: readonly { readonly resolved: string }[];
  }[];
}

interface CruiserViolation {
  readonly from: string;
  readonly to: string;
  readonly rule: { readonly name: string };
  readonly cycle?: readonly { readonly name: string }[];
}

const { DOMAINS, LAYERS } = createRequire(import.meta.url)('../rules/layers.cjs') as Layers;

/** Names of the layers that a file is in. */
const layersOf = (path: string) =>
  LAYERS.filter((layer) => new RegExp(layer.path).test(path)).map(({ name }) => name);

/** Names of all layers. */
export const layerNames: readonly string[] = LAYERS.map(({ name }) => name);

/** The domains that a domain may see, by its name. */
export const visibleDomains = new Map(Object.entries(DOMAINS).map(([name, { sees }]) => [name, sees]));

/** Runs dependency-cruiser with the project's rules on the tree at `root`. */
export async function cruise(root: string): Promise<Cruised> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [CRUISER, '--config', '.dependency-cruiser.cjs', '--output-type', 'json', ...CODE_FOLDERS],
    { cwd: root, maxBuffer: OUTPUT_BYTES_MAX },
  ).catch((failure: { stdout?: string; message: string }) => {
    // It exits with the number of violations.
    if (failure.stdout?.startsWith('{')) return { stdout: failure.stdout };
    throw new Error(`dependency-cruiser failed: ${failure.message}`);
  });
  return JSON.parse(stdout) as Cruised;
}

/** The breaks of the project's rules that dependency-cruiser found. */
export function violationsOf({ summary }: Cruised): readonly Violation[] {
  return summary.violations.flatMap(({ rule, from, to, cycle }) => {
    const name = rule.name === 'not-in-allowed' ? `imports-of-${layersOf(from)[0] ?? 'nowhere'}` : rule.name;
    // An orphan stands in `to`; a cycle is a break of each file in it.
    if (name === 'no-orphan')
      return [{ rule: name, path: to, line: 0, detail: 'nothing that runs reaches it' }];
    const paths = cycle ? [...new Set([from, ...cycle.map((step) => step.name)])] : [from];
    return paths.map((path) => ({ rule: name, path, line: 0, detail: `imports ${to}` }));
  });
}

/** Lines that allow an import which no file of the layer needs. A layer without files is one that is being begun. */
export function findUnusedAllowances({ modules }: Cruised): readonly Violation[] {
  return LAYERS.flatMap(({ name, path, imports }) => {
    const files = modules.filter(({ source }) => new RegExp(path).test(source));
    const isUsed = (what: string, only = '') =>
      files.some(
        ({ source, dependencies }) =>
          new RegExp(only).test(source) &&
          dependencies.some(({ resolved }) => new RegExp(what).test(resolved)),
      );
    return imports
      .filter(([what, , limits]) => files.length > 0 && isOutside(what) && !isUsed(what, limits?.only))
      .map(([what, because]) => ({
        rule: 'unused-exception',
        path: name,
        line: 0,
        detail: `${what} (${because})`,
      }));
  });
}

/** True for packages and modules of Node. Lines on our own folders say where a layer stands, used or not. */
function isOutside(what: string): boolean {
  return what.includes('node_modules') || what.includes('node:');
}

/** Files that are in no layer, or in two: no list of imports would be theirs alone. */
export function findHomeless(tree: SourceTree): readonly Violation[] {
  return [...tree.files.keys()]
    .filter((path) => path.endsWith('.ts') && layersOf(path).length !== 1)
    .map((path) => ({
      rule: 'one-layer',
      path,
      line: 0,
      detail: `layers: ${layersOf(path).join(', ') || 'none'}`,
    }));
}
