import ts from 'typescript';
import { isProduct, type SourceTree, sourcesOf, type Violation, violationAt, walk } from './tree.ts';

/** Lines that a file may have. */
const FILE_LINES_MAX = 450;
/** The rules and their fixtures name what they refuse. */
const isRule = (path: string) => path.startsWith('tests/architecture/');

/** Names that say nothing, files that are too long, and work that was left unfinished. */
export function findUntidy(tree: SourceTree): readonly Violation[] {
  const sources = sourcesOf(tree, () => true);
  return [
    ...sources.flatMap(judgeFile),
    ...sources.filter(({ fileName }) => isProduct(fileName)).flatMap(judgeNames),
  ];
}

function judgeFile(source: ts.SourceFile): readonly Violation[] {
  const { fileName: path, text } = source;
  const refuse = (rule: string, detail: string) => ({ rule, path, line: 0, detail });
  const lines = text.split('\n').length;
  const unfinished = /\b(TODO|FIXME|XXX|HACK)\b|@ts-(ignore|nocheck)|biome-ignore/.exec(text)?.[0];
  const switchedOff = /\b(describe|it|test)\.(skip|only|todo|skipIf)\b/.exec(text)?.[0];
  return [
    ...(/^[a-z0-9./-]+$/.test(path) ? [] : [refuse('names', 'files are in kebab-case')]),
    ...(/\b(utils?|helpers?|manager|misc)\b/.test(path)
      ? [refuse('names', 'says nothing about its content')]
      : []),
    ...(lines > FILE_LINES_MAX ? [refuse('file-length', `${lines} lines`)] : []),
    ...(unfinished && !isRule(path) ? [refuse('unfinished', unfinished)] : []),
    ...(switchedOff && !isRule(path) ? [refuse('unfinished', switchedOff)] : []),
  ];
}

function judgeNames(source: ts.SourceFile): readonly Violation[] {
  const found: Violation[] = [];
  walk(source, (node) => {
    const { name } = node as { name?: ts.Node };
    if (!name || !ts.isIdentifier(name) || !isNamedDeclaration(node)) return;
    if (/(Utils?|Helpers?|Manager)$/i.test(name.text)) found.push(violationAt('names', name, name.text));
    if (ts.isInterfaceDeclaration(node) && /^I[A-Z][a-z]/.test(name.text)) {
      found.push(violationAt('names', name, `${name.text}: no I in front`));
    }
  });
  return found;
}

function isNamedDeclaration(node: ts.Node): boolean {
  return (
    ts.isClassDeclaration(node) ||
    ts.isFunctionDeclaration(node) ||
    ts.isInterfaceDeclaration(node) ||
    ts.isTypeAliasDeclaration(node) ||
    ts.isVariableDeclaration(node)
  );
}
