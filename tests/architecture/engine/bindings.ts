import ts from 'typescript';

/** The declaration that `name` means at `place`, by the scopes around it; null when the file doesn't declare it. */
export function findDeclaration(place: ts.Node, name: string): ts.Node | null {
  for (let scope: ts.Node | undefined = place.parent; scope; scope = scope.parent) {
    for (const declaration of declarationsOf(scope)) {
      const found = named(declaration, name);
      if (found) return found;
    }
  }
  return null;
}

/** What a scope itself declares, without the scopes inside it. */
function declarationsOf(scope: ts.Node): readonly ts.Node[] {
  if (ts.isFunctionLike(scope)) return scope.parameters;
  if (ts.isCatchClause(scope)) return scope.variableDeclaration ? [scope.variableDeclaration] : [];
  if (ts.isForStatement(scope) || ts.isForOfStatement(scope) || ts.isForInStatement(scope)) {
    const { initializer } = scope;
    return initializer && ts.isVariableDeclarationList(initializer) ? initializer.declarations : [];
  }
  if (ts.isCaseClause(scope) || ts.isDefaultClause(scope)) return scope.statements.flatMap(declaredBy);
  if (ts.isBlock(scope) || ts.isSourceFile(scope) || ts.isModuleBlock(scope)) {
    return scope.statements.flatMap(declaredBy);
  }
  return [];
}

function declaredBy(statement: ts.Statement): readonly ts.Node[] {
  if (ts.isVariableStatement(statement)) return statement.declarationList.declarations;
  if (ts.isFunctionDeclaration(statement) || ts.isClassDeclaration(statement)) return [statement];
  if (ts.isEnumDeclaration(statement)) return [statement];
  if (!ts.isImportDeclaration(statement)) return [];
  const clause = statement.importClause;
  if (!clause) return [];
  const bindings = clause.namedBindings;
  const several = bindings && ts.isNamedImports(bindings) ? bindings.elements : [];
  return [
    ...(clause.name ? [clause] : []),
    ...several,
    ...(bindings && ts.isNamespaceImport(bindings) ? [bindings] : []),
  ];
}

/** `declaration`, or the part of its pattern, that is called `name`. */
function named(declaration: ts.Node, name: string): ts.Node | null {
  const own = (declaration as { name?: ts.Node }).name;
  if (own === undefined) return null;
  if (ts.isIdentifier(own)) return own.text === name ? declaration : null;
  if (!ts.isObjectBindingPattern(own) && !ts.isArrayBindingPattern(own)) return null;
  for (const element of own.elements) {
    const found = ts.isBindingElement(element) ? named(element, name) : null;
    if (found) return found;
  }
  return null;
}

/** True where the identifier is used as a value; false where it only names a property, a declaration or a type. */
export function isReference(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isShorthandPropertyAssignment(parent)) return true;
  if (ts.isImportSpecifier(parent) || ts.isExportSpecifier(parent)) return false;
  if (ts.isBindingElement(parent) && parent.propertyName === node) return false;
  return (parent as { name?: ts.Node }).name !== node;
}

/** The expression without parentheses, `as`, `satisfies`, `!` and `await` around it. */
export function bare(expression: ts.Expression): ts.Expression {
  if (
    ts.isParenthesizedExpression(expression) ||
    ts.isAsExpression(expression) ||
    ts.isSatisfiesExpression(expression) ||
    ts.isNonNullExpression(expression) ||
    ts.isAwaitExpression(expression)
  ) {
    return bare(expression.expression);
  }
  return expression;
}
