import { posix } from 'node:path';
import ts from 'typescript';
import { bare, findDeclaration } from './bindings.ts';
import { type SourceTree, walk } from './tree.ts';

/** A place in SQL text whose content is known at run time only. */
export type Hole =
  /** A parameter of the statement. */
  | { readonly kind: 'value' }
  /** A part of the text itself that isn't constant. */
  | { readonly kind: 'computed' }
  /** `sql(rows)`, `sql('name')`: columns, assignments, a list or a name. */
  | { readonly kind: 'helper'; readonly name: string | null };

/** SQL as constant text with holes. */
export type SqlText = readonly (string | Hole)[];

/** One statement as the code writes it. */
export interface SqlPlace {
  readonly node: ts.Node;
  /** One text for each way that conditional parts can go; null when the text isn't a constant. */
  readonly texts: readonly SqlText[] | null;
}

/** More ways than these in one statement are too many to read, for people as well. */
const VARIANTS_MAX = 64;
const VALUE: Hole = { kind: 'value' };
const COMPUTED: Hole = { kind: 'computed' };

/** Reads the SQL of a tree's files; follows constants, fragments and functions that give fragments across files. */
export class SqlReader {
  private readonly tree: SourceTree;
  /** Templates and calls that are part of another statement. */
  private readonly parts = new Set<ts.Node>();

  constructor(tree: SourceTree) {
    this.tree = tree;
  }

  /** Every statement of these files. A fragment counts where it is used; one that nobody uses counts as a statement. */
  readPlaces(sources: readonly ts.SourceFile[]): readonly SqlPlace[] {
    const places = sources.flatMap((source) => {
      const found: SqlPlace[] = [];
      walk(source, (node) => {
        if (isSqlTemplate(node) || isUnsafeCall(node)) found.push({ node, texts: this.readSql(node, 0) });
      });
      return found;
    });
    return places.filter(({ node }) => !this.parts.has(node));
  }

  /** The text of an expression that is SQL: a template, `unsafe(...)`, or what leads to one; null for anything else. */
  private readSql(expression: ts.Expression, depth: number): readonly SqlText[] | null {
    const node = bare(expression);
    if (depth > 20) return null;
    if (ts.isTaggedTemplateExpression(node))
      return isSqlTemplate(node) ? this.readTemplate(node, depth) : null;
    if (ts.isConditionalExpression(node)) {
      const ways = [this.readSql(node.whenTrue, depth + 1), this.readSql(node.whenFalse, depth + 1)];
      const known = ways.flatMap((way) => way ?? []);
      return known.length > 0 ? known : null;
    }
    if (isUnsafeCall(node)) {
      const [text] = node.arguments;
      if (node.expression.getText().endsWith('.file')) return null;
      return text ? readConstant(this.tree, text) : null;
    }
    if (ts.isCallExpression(node) && ts.isIdentifier(node.expression))
      return this.readResults(node.expression, depth);
    if (!ts.isIdentifier(node)) return null;
    const value = initializerOf(resolve(this.tree, node));
    return value ? this.readSql(value, depth + 1) : null;
  }

  /** The fragments that a function gives back. */
  private readResults(callee: ts.Identifier, depth: number): readonly SqlText[] | null {
    const declaration = resolve(this.tree, callee);
    const value = initializerOf(declaration);
    const made = declaration && ts.isFunctionDeclaration(declaration) ? declaration : value && bare(value);
    if (!made || !(ts.isFunctionDeclaration(made) || ts.isArrowFunction(made)) || !made.body) return null;
    const texts = resultsOf(made.body).flatMap((result) => {
      const texts = this.readSql(result, depth + 1) ?? [];
      if (texts.length > 0) this.parts.add(bare(result));
      return texts;
    });
    return texts.length > 0 ? texts : null;
  }

  private readTemplate(node: ts.TaggedTemplateExpression, depth: number): readonly SqlText[] {
    const { template } = node;
    if (ts.isNoSubstitutionTemplateLiteral(template)) return [[template.text]];
    let texts: readonly SqlText[] = [[template.head.text]];
    for (const span of template.templateSpans) {
      const ways = this.readHole(span.expression, node.tag.getText(), depth);
      texts = texts
        .flatMap((text) => ways.map((way) => [...text, ...way, span.literal.text]))
        .slice(0, VARIANTS_MAX);
    }
    return texts;
  }

  private readHole(expression: ts.Expression, tag: string, depth: number): readonly SqlText[] {
    const node = bare(expression);
    if (ts.isCallExpression(node) && node.expression.getText() === tag) {
      const [first] = node.arguments;
      const name = first && ts.isStringLiteralLike(first) ? first.text : null;
      return [[{ kind: 'helper', name }]];
    }
    const texts = this.readSql(node, depth + 1);
    if (texts === null) return [[VALUE]];
    this.markParts(node);
    return texts;
  }

  /** What is inserted here is no statement of its own. */
  private markParts(node: ts.Expression): void {
    const inner = bare(node);
    if (isSqlTemplate(inner) || isUnsafeCall(inner)) this.parts.add(inner);
    if (ts.isConditionalExpression(inner)) {
      this.markParts(inner.whenTrue);
      this.markParts(inner.whenFalse);
    }
    const value = ts.isIdentifier(inner) ? initializerOf(resolve(this.tree, inner)) : null;
    if (value) this.markParts(value);
  }
}

/** A template that PostgreSQL reads: every tagged one but `String.raw`. */
export function isSqlTemplate(node: ts.Node): node is ts.TaggedTemplateExpression {
  return ts.isTaggedTemplateExpression(node) && node.tag.getText() !== 'String.raw';
}

/** `sql.unsafe(...)`, `sql.file(...)`. */
export function isUnsafeCall(node: ts.Node): node is ts.CallExpression {
  return (
    ts.isCallExpression(node) &&
    ts.isPropertyAccessExpression(node.expression) &&
    ['unsafe', 'file'].includes(node.expression.name.text)
  );
}

/** Literals, concatenations and constants as text; holes where it isn't constant inside a template; null otherwise. */
export function readConstant(
  tree: SourceTree,
  expression: ts.Expression,
  depth = 0,
): readonly SqlText[] | null {
  const node = bare(expression);
  if (depth > 20) return null;
  if (ts.isStringLiteralLike(node)) return [[node.text]];
  if (ts.isTemplateExpression(node)) {
    let texts: readonly SqlText[] = [[node.head.text]];
    for (const span of node.templateSpans) {
      const ways = readConstant(tree, span.expression, depth + 1) ?? [[COMPUTED]];
      texts = texts
        .flatMap((text) => ways.map((way) => [...text, ...way, span.literal.text]))
        .slice(0, VARIANTS_MAX);
    }
    return texts;
  }
  if (ts.isBinaryExpression(node) && node.operatorToken.kind === ts.SyntaxKind.PlusToken) {
    const left = readConstant(tree, node.left, depth + 1);
    const right = readConstant(tree, node.right, depth + 1);
    if (left === null && right === null) return null;
    const rights = right ?? [[COMPUTED]];
    return (left ?? [[COMPUTED]])
      .flatMap((text) => rights.map((way) => [...text, ...way]))
      .slice(0, VARIANTS_MAX);
  }
  if (ts.isCallExpression(node)) return readJoined(tree, node, depth);
  if (!ts.isIdentifier(node)) return null;
  const value = initializerOf(resolve(tree, node));
  return value ? readConstant(tree, value, depth + 1) : null;
}

/** `['SELECT', 'id'].join(' ')`. */
function readJoined(tree: SourceTree, node: ts.CallExpression, depth: number): readonly SqlText[] | null {
  const { expression: callee } = node;
  if (!ts.isPropertyAccessExpression(callee) || callee.name.text !== 'join') return null;
  const list = bare(callee.expression);
  if (!ts.isArrayLiteralExpression(list)) return null;
  const [between] = node.arguments;
  const glue = between === undefined ? ',' : ts.isStringLiteralLike(between) ? between.text : ' ';
  const parts = list.elements.map((element) => readConstant(tree, element, depth + 1)?.[0] ?? [COMPUTED]);
  return [parts.flatMap((part, index) => (index === 0 ? part : [glue, ...part]))];
}

/** What an expression gives back from a function: the body of an arrow, or all `return`s. */
function resultsOf(body: ts.ConciseBody): readonly ts.Expression[] {
  if (!ts.isBlock(body)) return [body];
  const results: ts.Expression[] = [];
  walk(body, (node) => {
    if (ts.isFunctionLike(node)) return false;
    if (ts.isReturnStatement(node) && node.expression) results.push(node.expression);
    return true;
  });
  return results;
}

function initializerOf(declaration: ts.Node | null): ts.Expression | null {
  if (!declaration || !ts.isVariableDeclaration(declaration)) return null;
  const isConstant = (ts.getCombinedNodeFlags(declaration) & ts.NodeFlags.Const) !== 0;
  return isConstant ? (declaration.initializer ?? null) : null;
}

/** The declaration of a name, in its own file or in the one that it is imported from. */
function resolve(tree: SourceTree, name: ts.Identifier): ts.Node | null {
  const declaration = findDeclaration(name, name.text);
  if (!declaration || !ts.isImportSpecifier(declaration)) return declaration;
  const from = declaration.parent.parent.parent.moduleSpecifier;
  if (!ts.isStringLiteral(from)) return null;
  const path = posix.join(posix.dirname(name.getSourceFile().fileName), from.text);
  const file = tree.parse(path);
  const [first] = file?.statements ?? [];
  return first ? findDeclaration(first, (declaration.propertyName ?? declaration.name).text) : null;
}
