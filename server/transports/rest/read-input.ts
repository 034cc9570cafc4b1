import type { z } from 'zod';
import { invalidInput } from '../../kernel/errors.ts';
import { jsonShapeOf } from '../../kernel/json-shape.ts';
import { NAME_PROBLEMS } from '../../kernel/name.ts';
import type { HttpRequest } from '../../platform/http/types.ts';
import { findHalfCharacter } from '../pipeline/half-character.ts';
import { readJson } from '../pipeline/read-json.ts';
import { BODY_LEVELS_MAX, PROBLEM_LENGTH_MAX, PROBLEMS_MAX } from './limits.ts';

/**
 * The value as its schema describes it. Refuses with `invalid_input` and `details.problems`, a list of
 * `{ path, message, code? }` whose paths begin with `where`.
 */
export function checkInput<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  where: string,
): z.output<Schema> {
  const result = schema.safeParse(value);
  if (result.success) {
    const half = findHalfCharacter(result.data, where);
    if (half === null) return result.data;
    const problem = { path: shortened(half), message: NAME_PROBLEMS.not_unicode, code: 'not_unicode' };
    throw invalidInput(NOT_AS_DESCRIBED, { problems: [problem] });
  }
  const problems = result.error.issues.slice(0, PROBLEMS_MAX).map((issue) => ({
    path: shortened([where, ...issue.path.map(String)].join('.')),
    message: shortened(issue.message),
    ...reasonOf(issue),
  }));
  throw invalidInput(NOT_AS_DESCRIBED, { problems });
}

const NOT_AS_DESCRIBED = 'The request is not as the documentation describes it.';

/** The code of a problem that one of our own schemas found. */
function reasonOf(issue: z.core.$ZodIssue): { code?: string } {
  if (issue.code !== 'custom') return {};
  const code: unknown = issue.params?.code;
  return typeof code === 'string' ? { code } : {};
}

function shortened(text: string): string {
  return text.length > PROBLEM_LENGTH_MAX ? `${text.slice(0, PROBLEM_LENGTH_MAX)}...` : text;
}

/**
 * The JSON of a request's body. Refuses as `readJson` does, and with `invalid_input` what is so deep that a schema would exhaust the
 * stack, and the name `__proto__`, which schemas pass over.
 */
export function readBody(request: Pick<HttpRequest, 'header' | 'body'>): unknown {
  const body = readJson(request);
  if (jsonShapeOf(request.body).levels > BODY_LEVELS_MAX) {
    const message = `More than ${BODY_LEVELS_MAX} objects or lists are inside each other`;
    throw invalidInput(NOT_AS_DESCRIBED, { problems: [{ path: 'body', message }] });
  }
  if (hasPrototypeName(body)) {
    throw invalidInput(NOT_AS_DESCRIBED, { problems: [{ path: 'body', message: 'No name is __proto__' }] });
  }
  return body;
}

/**
 * Refuses with `invalid_input` a body that says something to an operation that takes none. An empty object says nothing: many clients send
 * one with every POST, some of them declared as a form.
 */
export function requireEmptyBody({ body }: Pick<HttpRequest, 'body'>): undefined {
  if (body.length === 0 || new TextDecoder().decode(body).replace(/\s/g, '') === '{}') return;
  throw invalidInput(NOT_AS_DESCRIBED, {
    problems: [{ path: 'body', message: 'This operation takes no body' }],
  });
}

/** The levels of what is looked at are bounded. */
function hasPrototypeName(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return Object.hasOwn(value, '__proto__') || Object.values(value).some(hasPrototypeName);
}

/** The query as an object. Refuses with `invalid_input` a name that is given twice. */
export function readQuery(query: URLSearchParams): Readonly<Record<string, string>> {
  if (query.size === 0) return {};
  const values = new Map<string, string>();
  for (const [name, value] of query) {
    if (values.has(name)) {
      const problems = [{ path: shortened(`query.${name}`), message: 'Given more than once' }];
      throw invalidInput(NOT_AS_DESCRIBED, { problems });
    }
    values.set(name, value);
  }
  return Object.fromEntries(values);
}
