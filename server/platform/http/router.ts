import { InvariantError } from '../../kernel/errors.ts';
import type { HttpRoute } from './types.ts';

/** What a method and a path lead to. */
export type RouteMatch =
  | { readonly kind: 'found'; readonly route: HttpRoute; readonly params: Readonly<Record<string, string>> }
  /** The path exists for `allow` only. */
  | { readonly kind: 'method_not_allowed'; readonly allow: readonly string[] }
  | { readonly kind: 'not_found' }
  /** A segment that is not percent-encoded UTF-8. */
  | { readonly kind: 'malformed' };

interface Pattern {
  readonly segments: readonly string[];
  readonly routes: Map<string, HttpRoute>;
}

/**
 * Finds routes by method and path. Literal segments win over `:name`, `:name` over a final `*`. `method` is upper
 * case; HEAD goes where GET goes.
 * Throws InvariantError for two routes of the same method and path.
 */
export function createRouter(routes: readonly HttpRoute[]): (method: string, path: string) => RouteMatch {
  const patterns = new Map<string, Pattern>();
  for (const route of routes) {
    const segments = route.path.split('/').slice(1);
    const key = segments.map((segment) => (segment.startsWith(':') ? ':' : segment)).join('/');
    const pattern = patterns.get(key) ?? { segments, routes: new Map() };
    if (pattern.routes.has(route.method)) {
      throw new InvariantError(`two routes for ${route.method} ${route.path}`);
    }
    pattern.routes.set(route.method, route);
    patterns.set(key, pattern);
  }
  const literal = new Map<string, Pattern>();
  const variable: Pattern[] = [];
  for (const [key, pattern] of patterns) {
    if (pattern.segments.some(isVariable)) variable.push(pattern);
    else literal.set(`/${key}`, pattern);
  }
  variable.sort((a, b) => weight(a) - weight(b));
  const candidates = byFirstSegment(variable);

  return (method, path) => {
    const exact = literal.get(path);
    if (exact) return pick(exact, method, {});
    const given = path.split('/').slice(1);
    for (const pattern of candidates(given[0] ?? '')) {
      if (!fits(pattern, given)) continue;
      const route = routeOf(pattern, method);
      const params = paramsOf((route?.path ?? '').split('/').slice(1), given);
      return params === null ? { kind: 'malformed' } : pick(pattern, method, params);
    }
    return { kind: 'not_found' };
  };
}

/** Those of these patterns, in their order, that may fit a path by its first segment: files of the page aren't compared with the API's. */
function byFirstSegment(patterns: readonly Pattern[]): (first: string) => readonly Pattern[] {
  const firstOf = ({ segments: [first = ''] }: Pattern) => first;
  const fitsAll = patterns.filter((pattern) => isVariable(firstOf(pattern)));
  const known = new Map<string, readonly Pattern[]>();
  for (const first of patterns.map(firstOf)) {
    const fitting = patterns.filter((pattern) => firstOf(pattern) === first || fitsAll.includes(pattern));
    if (!isVariable(first)) known.set(first, fitting);
  }
  return (first) => known.get(first) ?? fitsAll;
}

function isVariable(segment: string): boolean {
  return segment.startsWith(':') || segment === '*';
}

/** Patterns with fewer variables come first, the ones that end in `*` last. */
function weight(pattern: Pattern): number {
  const wild = pattern.segments.at(-1) === '*' ? 1000 : 0;
  return wild + pattern.segments.filter(isVariable).length;
}

function fits(pattern: Pattern, given: readonly string[]): boolean {
  const wild = pattern.segments.at(-1) === '*';
  const count = wild ? pattern.segments.length - 1 : pattern.segments.length;
  if (wild ? given.length <= count : given.length !== count) return false;
  for (let index = 0; index < count; index++) {
    const wanted = pattern.segments[index] as string;
    if (wanted.startsWith(':') ? given[index] === '' : wanted !== given[index]) return false;
  }
  return true;
}

function routeOf(pattern: Pattern, method: string): HttpRoute | undefined {
  return pattern.routes.get(method === 'HEAD' ? 'GET' : method);
}

function pick(pattern: Pattern, method: string, params: Readonly<Record<string, string>>): RouteMatch {
  const route = routeOf(pattern, method);
  if (route) return { kind: 'found', route, params };
  const allow = [...pattern.routes.keys()];
  if (allow.includes('GET')) allow.push('HEAD');
  return { kind: 'method_not_allowed', allow: [...allow, 'OPTIONS'].sort() };
}

/** Values of the `:names`, null when one isn't percent-encoded UTF-8. Names come from routes, never from requests. */
function paramsOf(
  segments: readonly string[],
  given: readonly string[],
): Readonly<Record<string, string>> | null {
  const params: Record<string, string> = {};
  try {
    segments.forEach((segment, index) => {
      if (segment === '*') params['*'] = decodeURIComponent(given.slice(index).join('/'));
      else if (segment.startsWith(':')) params[segment.slice(1)] = decodeURIComponent(given[index] as string);
    });
  } catch {
    return null;
  }
  return params;
}
