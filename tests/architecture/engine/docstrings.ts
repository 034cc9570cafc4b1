import ts from 'typescript';
import { bare, findDeclaration } from './bindings.ts';
import { isProduct, type SourceTree, sourcesOf, type Violation, violationAt } from './tree.ts';

/** Exported functions, arrow functions, classes, ports and services of the product without a docstring. */
export function findMissingDocstrings(tree: SourceTree): readonly Violation[] {
  return sourcesOf(tree, (path) => isProduct(path) && !path.endsWith('.d.ts')).flatMap((source) => {
    const needy = source.statements.flatMap((statement) => exportedBy(statement));
    const documented = new Set(needy.filter(({ node }) => hasDocstring(node)).map(({ name }) => name));
    return needy
      .filter(({ name, node }) => !documented.has(name) && !isOverloadOfAnother(needy, name, node))
      .map(({ name, node }) => violationAt('docstring', node, `${name} has no docstring`));
  });
}

interface Exported {
  readonly name: string;
  /** The node that the docstring stands before. */
  readonly node: ts.Node;
}

function isOverloadOfAnother(all: readonly Exported[], name: string, node: ts.Node): boolean {
  return all.find((other) => other.name === name)?.node !== node;
}

function hasDocstring(node: ts.Node): boolean {
  return ts
    .getJSDocCommentsAndTags(node)
    .some((part) => ts.isJSDoc(part) && part.getText().length > '/** */'.length);
}

function isExported(node: ts.Statement): boolean {
  return (
    ts.canHaveModifiers(node) &&
    (ts.getModifiers(node) ?? []).some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword)
  );
}

/** What this statement exports and that needs a docstring. */
function exportedBy(statement: ts.Statement): readonly Exported[] {
  if (ts.isExportDeclaration(statement)) return exportedByName(statement);
  if (ts.isExportAssignment(statement)) {
    return isFunction(statement.expression) ? [{ name: 'default', node: statement }] : [];
  }
  return isExported(statement) ? declared(statement) : [];
}

function declared(statement: ts.Statement): readonly Exported[] {
  if (ts.isFunctionDeclaration(statement) || ts.isClassDeclaration(statement)) {
    return [{ name: statement.name?.text ?? 'default', node: statement }];
  }
  if (ts.isInterfaceDeclaration(statement)) {
    const isBorder =
      statement.getSourceFile().fileName.endsWith('/ports.ts') ||
      /(Service|Store)$/.test(statement.name.text);
    return isBorder ? [{ name: statement.name.text, node: statement }] : [];
  }
  if (!ts.isVariableStatement(statement)) return [];
  return statement.declarationList.declarations
    .filter(({ initializer }) => initializer && isFunction(initializer))
    .map((declaration) => ({ name: declaration.name.getText(), node: statement }));
}

/** `export { a }` of something that the file declares. */
function exportedByName(statement: ts.ExportDeclaration): readonly Exported[] {
  const clause = statement.exportClause;
  if (statement.moduleSpecifier || !clause || !ts.isNamedExports(clause)) return [];
  return clause.elements.flatMap((element) => {
    const declaration = findDeclaration(clause, (element.propertyName ?? element.name).text);
    if (!declaration) return [];
    const holder = ts.isVariableDeclaration(declaration) ? declaration.parent.parent : declaration;
    return ts.isStatement(holder) ? declared(holder) : [];
  });
}

function isFunction(expression: ts.Expression): boolean {
  const inner = bare(expression);
  return ts.isArrowFunction(inner) || ts.isFunctionExpression(inner) || ts.isClassExpression(inner);
}
