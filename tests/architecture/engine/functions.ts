import ts from 'typescript';
import { LONG_FUNCTIONS } from '../rules/long-functions.ts';
import { type SourceTree, sourcesOf, type Violation, violationAt, walk } from './tree.ts';

/** Lines that a function may have, from its first word to its last brace. */
export const FUNCTION_LINES_MAX = 70;

/** Test frameworks call these with a function that is a list of tests, not a step of one. */
const TEST_BLOCKS = ['describe', 'it', 'test', 'beforeAll', 'beforeEach', 'afterAll', 'afterEach'];

/**
 * Functions, methods and arrow functions of more than 70 lines, outermost first, but for those that may be longer
 * (`path#name`). A name that excuses nothing is a violation, too.
 */
export function findLongFunctions(
  tree: SourceTree,
  longer: readonly string[] = LONG_FUNCTIONS,
): readonly Violation[] {
  const long = sourcesOf(tree, (path) => !path.endsWith('.d.ts')).flatMap((source) => {
    const found: { id: string; violation: Violation }[] = [];
    walk(source, (node) => {
      if (!isFunctionWithBody(node) || isTestBlock(node)) return;
      const lines = linesOf(source, node);
      if (lines <= FUNCTION_LINES_MAX) return;
      const name = nameOf(node);
      const violation = violationAt('function-length', node, `${name} has ${lines} lines`);
      found.push({ id: `${source.fileName}#${name}`, violation });
    });
    return found;
  });
  const unused = longer.filter((excused) => !long.some(({ id }) => id === excused));
  return [
    ...long.filter(({ id }) => !longer.includes(id)).map(({ violation }) => violation),
    ...unused.map((id) => ({
      rule: 'unused-exception',
      path: id.split('#')[0] ?? id,
      line: 0,
      detail: `${id} is short enough: remove the line in rules/long-functions.ts`,
    })),
  ];
}

function linesOf(source: ts.SourceFile, node: ts.Node): number {
  const lineAt = (position: number) => source.getLineAndCharacterOfPosition(position).line;
  return lineAt(node.getEnd()) - lineAt(node.getStart(source)) + 1;
}

function isFunctionWithBody(node: ts.Node): node is ts.FunctionLikeDeclaration {
  return ts.isFunctionLike(node) && (node as { body?: ts.Node }).body !== undefined;
}

/** `describe('...', () => ...)`, `it.each(rows)('...', () => ...)`. */
function isTestBlock(node: ts.Node): boolean {
  if (!ts.isCallExpression(node.parent)) return false;
  let callee: ts.Expression = node.parent.expression;
  while (ts.isCallExpression(callee) || ts.isPropertyAccessExpression(callee)) callee = callee.expression;
  const file = node.getSourceFile().fileName;
  return file.startsWith('tests/') && ts.isIdentifier(callee) && TEST_BLOCKS.includes(callee.text);
}

/** The function's own name, or that of what it is assigned to, or of the function that it is in. */
function nameOf(node: ts.Node): string {
  for (let place: ts.Node | undefined = node; place; place = place.parent) {
    if (ts.isConstructorDeclaration(place)) return `${nameOf(place.parent)}.constructor`;
    const { name } = place as { name?: ts.Node };
    if (name && (ts.isIdentifier(name) || ts.isPrivateIdentifier(name) || ts.isStringLiteral(name)))
      return name.text;
  }
  return 'anonymous';
}
