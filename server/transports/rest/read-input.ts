import type { z } from 'zod';
import { AppError, invalidInput } from '../../kernel/errors.ts';
import type { HttpRequest } from '../../platform/http/types.ts';
import { PROBLEM_LENGTH_MAX, PROBLEMS_MAX } from './limits.ts';

/**
 * The value as its schema describes it. Refuses with `invalid_input` and `details.problems`, a list of
 * `{ path, message }` whose paths begin with `where`.
 */
export function checkInput<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  where: string,
): z.output<Schema> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const problems = result.error.issues.slice(0, PROBLEMS_MAX).map((issue) => ({
    path: shortened([where, ...issue.path.map(String)].join('.')),
    message: shortened(issue.message),
  }));
  throw invalidInput('The request is not as the documentation describes it.', { problems });
}

function shortened(text: string): string {
  return text.length > PROBLEM_LENGTH_MAX ? `${text.slice(0, PROBLEM_LENGTH_MAX)}...` : text;
}

/**
 * The JSON value of a request's body. Refuses with `unsupported_media_type` what isn't declared as JSON, and with
 * `malformed_json` what isn't JSON in UTF-8.
 */
export function readJson(request: Pick<HttpRequest, 'header' | 'body'>): unknown {
  const mediaType = (request.header('content-type') ?? '').split(';', 1)[0]?.trim().toLowerCase();
  if (mediaType !== 'application/json') {
    throw new AppError(
      'unsupported_media_type',
      'unsupported_media_type',
      'Send JSON, with Content-Type: application/json.',
    );
  }
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(request.body));
  } catch (cause) {
    throw new AppError('invalid', 'malformed_json', 'The body is not JSON.', { cause });
  }
}

/** The query as an object. Refuses with `invalid_input` a name that is given twice. */
export function readQuery(query: URLSearchParams): Readonly<Record<string, string>> {
  const values = new Map<string, string>();
  for (const [name, value] of query) {
    if (values.has(name)) {
      const problems = [{ path: shortened(`query.${name}`), message: 'Given more than once' }];
      throw invalidInput('The request is not as the documentation describes it.', { problems });
    }
    values.set(name, value);
  }
  return Object.fromEntries(values);
}
