import ts from 'typescript';
import { DETERMINISTIC_CRYPTO, SURROUNDINGS, SURROUNDINGS_ALLOWED } from '../rules/surroundings.ts';
import { findDeclaration, isReference } from './bindings.ts';
import { type SourceTree, sourcesOf, type Violation, violationAt, walk } from './tree.ts';

/** `Date` as a parser and a container of given times. */
const DATE_OF_INPUT = ['UTC', 'parse'];

const ruleOf = new Map(
  Object.entries(SURROUNDINGS).flatMap(([rule, { names }]) => names.map((name) => [name, rule] as const)),
);
/** Globals of which one property is refused. */
const refusedProperties = new Map(
  [...ruleOf.keys()].flatMap((name) => {
    const [owner, property] = name.split('.');
    return owner && property ? [[owner, property] as const] : [];
  }),
);

const PROCESS_ENTRIES = ['server/main.ts', 'server/yggdrasil.ts'];

function isWatched(path: string): boolean {
  return (
    path.startsWith('server/') &&
    !path.startsWith('server/platform/') &&
    // The page runs in a browser: that is all it has.
    !path.startsWith('server/dashboard/')
  );
}

/** What in the server's code takes time, chance, sockets or the process from its surroundings. */
export function findSurroundings(tree: SourceTree): readonly Violation[] {
  const used = new Set<string>();
  const violations = sourcesOf(tree, isWatched).flatMap((source) => {
    const found: Violation[] = [];
    const report = (name: string, node: ts.Node) => {
      const allowed = SURROUNDINGS_ALLOWED.find(
        (line) => line.path === source.fileName && line.name === name,
      );
      if (allowed) used.add(`${allowed.path} ${allowed.name}`);
      else {
        const rule = ruleOf.get(name) ?? '';
        if (rule === 'no-process' && PROCESS_ENTRIES.includes(source.fileName)) return;
        found.push(violationAt(rule, node, `${name}: ${SURROUNDINGS[rule]?.because}`));
      }
    };
    walk(source, (node) => {
      if (ts.isTypeNode(node) && !ts.isExpressionWithTypeArguments(node)) return false;
      if (ts.isIdentifier(node)) {
        const name = refusedName(node);
        if (name !== null) report(name, node);
      }
      found.push(...findImports(node));
      return true;
    });
    return found;
  });
  const unused = SURROUNDINGS_ALLOWED.filter(({ path, name }) => !used.has(`${path} ${name}`)).map(
    ({ path, name }) => ({
      rule: 'unused-exception',
      path,
      line: 0,
      detail: `${name} is not used: remove the line`,
    }),
  );
  return [...violations, ...unused];
}

/** The refused name that this identifier uses, or null. */
function refusedName(node: ts.Identifier): string | null {
  const name = node.text;
  const property = refusedProperties.get(name);
  if (!ruleOf.has(name) && property === undefined) return null;
  if (!isReference(node) || findDeclaration(node, name)) return null;
  const { parent } = node;
  const accessed =
    ts.isPropertyAccessExpression(parent) && parent.expression === node ? parent.name.text : null;
  if (property !== undefined) {
    // Whoever passes the whole object on passes the refused property with it.
    const isOther = accessed !== null && accessed !== property;
    const isTest =
      ts.isBinaryExpression(parent) && parent.operatorToken.kind === ts.SyntaxKind.InstanceOfKeyword;
    return isOther || isTest ? null : `${name}.${property}`;
  }
  if (name === 'Date' && isDateOfInput(node, accessed)) return null;
  return name;
}

function isDateOfInput(node: ts.Identifier, accessed: string | null): boolean {
  const { parent } = node;
  if (ts.isNewExpression(parent) && parent.expression === node) return (parent.arguments?.length ?? 0) > 0;
  if (ts.isBinaryExpression(parent)) return parent.operatorToken.kind === ts.SyntaxKind.InstanceOfKeyword;
  return accessed !== null && DATE_OF_INPUT.includes(accessed);
}

/** Imports that no allow-list of layers can judge: a computed path, and the random part of node:crypto. */
function findImports(node: ts.Node): readonly Violation[] {
  if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
    const [path] = node.arguments;
    if (path && ts.isStringLiteralLike(path)) return [];
    return [violationAt('no-hidden-code', node, 'the path of an import is a literal')];
  }
  if (!ts.isImportDeclaration(node) || !ts.isStringLiteral(node.moduleSpecifier)) return [];
  if (!/^(node:)?crypto$/.test(node.moduleSpecifier.text)) return [];
  const bindings = node.importClause?.namedBindings;
  if (!bindings || !ts.isNamedImports(bindings)) {
    return [violationAt('no-chance', node, 'node:crypto is imported by names')];
  }
  return bindings.elements
    .map((element) => (element.propertyName ?? element.name).text)
    .filter((name) => !DETERMINISTIC_CRYPTO.includes(name))
    .map((name) => violationAt('no-chance', node, `${name} of node:crypto: chance is an input`));
}
