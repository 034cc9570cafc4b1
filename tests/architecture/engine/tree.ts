import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

/** What a rule refuses, and where. */
export interface Violation {
  readonly rule: string;
  readonly path: string;
  /** Counted from 1; 0 where the file as a whole is refused. */
  readonly line: number;
  readonly detail: string;
}

/** The sources of the project, or of the project with more files laid over it. */
export interface SourceTree {
  /** Text by path from the root. */
  readonly files: ReadonlyMap<string, string>;
  /** The syntax tree of a TypeScript file, with parents; null for a path that the tree doesn't have. */
  parse(path: string): ts.SourceFile | null;
}

/** Folders that are shipped. */
export const PRODUCT_FOLDERS = ['assembly', 'proto', 'server', 'device'] as const;
/** Folders whose code is ours. */
export const CODE_FOLDERS = [...PRODUCT_FOLDERS, 'bench', 'tests'] as const;

/** True for code that is shipped. */
export function isProduct(path: string): boolean {
  return PRODUCT_FOLDERS.some((folder) => path.startsWith(`${folder}/`));
}

function isRead(path: string): boolean {
  if (path.startsWith('proto/generated/')) return false;
  return path.endsWith('.ts') || /^server\/.*README\.md$/.test(path);
}

/** The TypeScript files of `root`, and the READMEs of the server's folders. */
export function readTree(root: string): SourceTree {
  const files = new Map<string, string>();
  for (const folder of CODE_FOLDERS) {
    for (const name of readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })) {
      const path = join(folder, name);
      if (isRead(path) && statSync(join(root, path)).isFile())
        files.set(path, readFileSync(join(root, path), 'utf8'));
    }
  }
  return createTree(files);
}

/** A tree of these files. Each is parsed once, when first asked for. */
export function createTree(files: ReadonlyMap<string, string>): SourceTree {
  const parsed = new Map<string, ts.SourceFile>();
  return {
    files,
    parse(path) {
      const known = parsed.get(path);
      if (known) return known;
      const text = files.get(path);
      if (text === undefined) return null;
      const source = ts.createSourceFile(path, text, ts.ScriptTarget.ES2022, true);
      parsed.set(path, source);
      return source;
    },
  };
}

/** Every TypeScript file whose path passes, parsed. */
export function sourcesOf(tree: SourceTree, passes: (path: string) => boolean): readonly ts.SourceFile[] {
  return [...tree.files.keys()]
    .filter((path) => path.endsWith('.ts') && passes(path))
    .flatMap((path) => tree.parse(path) ?? []);
}

/** Calls `visit` for `node` and everything in it. Where `visit` returns false, what is inside is left out. */
export function walk(node: ts.Node, visit: (node: ts.Node) => unknown): void {
  if (visit(node) === false) return;
  ts.forEachChild(node, (child) => walk(child, visit));
}

/** A violation at the first character of `node`. */
export function violationAt(rule: string, node: ts.Node, detail: string): Violation {
  const source = node.getSourceFile();
  const { line } = source.getLineAndCharacterOfPosition(node.getStart(source));
  return { rule, path: source.fileName, line: line + 1, detail };
}

/** One line for a reader. */
export function describeViolation({ rule, path, line, detail }: Violation): string {
  return `${rule}: ${path}${line > 0 ? `:${line}` : ''}: ${detail}`;
}
