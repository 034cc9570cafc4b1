import { AppError } from '../../kernel/errors.ts';
import type { HttpRequest } from '../../platform/http/types.ts';

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
