import type { z } from 'zod';
import { invalidInput } from '../../kernel/errors.ts';
import { NAME_PROBLEMS } from '../../kernel/name.ts';
import { findHalfCharacter } from '../pipeline/half-character.ts';
import { PROBLEM_LENGTH_MAX, PROBLEMS_MAX } from './limits.ts';

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

/** The query as an object. Refuses with `invalid_input` a name that is given twice. */
export function readQuery(query: URLSearchParams): Readonly<Record<string, string>> {
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
