import { AppError } from '../../kernel/errors.ts';
import type { Headers } from './headers.ts';
import { HEADERS_BYTES_MAX } from './limits.ts';

/** What is wrong with a request's line or headers. Its connection must end. */
export interface HeadFault {
  /** Null: what the error's kind stands for. */
  readonly status: 431 | null;
  readonly error: AppError;
}

/** RFC 9110 section 5.6.2. */
const TOKEN = /^[!#$%&'*+\-.^_`|~\dA-Za-z]+$/;
/** RFC 9112 section 3.2.1 as far as it matters here: visible ASCII, and no fragment. */
const TARGET = /^\/[!"$-~]*$/;
/** RFC 9110 section 7.2: a host of RFC 3986 section 3.2.2 and maybe a port. */
const HOST = /^(?:\[[\dA-Fa-f:.]+\]|[\w\-.~!$&'()*+,;=%]*)(?::\d*)?$/;
/** RFC 9110 section 5.5: what a value must not contain, which is every control character but the tab. */
const CONTROL = /[^\t -~\u0080-\uffff]/;
/** RFC 9110 section 8.6, as far as a number is exact. */
const LENGTH = /^\d{1,15}$/;

/**
 * Null where a request's head says in one way only where the request ends and for whom it is. What says it twice, or
 * not as the standard does, is how one request is made to look like two (RFC 9112 sections 6.3 and 11.2). The library
 * has read the request by its own rules already: what is refused here must end the connection.
 */
export function findHeadFault(method: string, target: string, headers: Headers): HeadFault | null {
  if (headers.bytes > HEADERS_BYTES_MAX) {
    const details = { headersBytesMax: HEADERS_BYTES_MAX };
    return {
      status: 431,
      error: new AppError('too_large', 'too_large', 'The headers are too large.', { details }),
    };
  }
  const message = faultOf(method, target, headers);
  return message === null ? null : { status: null, error: new AppError('invalid', 'invalid_input', message) };
}

/** True for a body whose length is not announced. Only for heads without a fault. */
export function isChunked(headers: Headers): boolean {
  return headers.first('transfer-encoding') !== undefined;
}

function faultOf(method: string, target: string, headers: Headers): string | null {
  if (!TOKEN.test(method)) return 'The method is not a token.';
  if (!TARGET.test(target)) return 'The path has characters that must be percent-encoded.';
  if (headers.someValue((value) => CONTROL.test(value))) return 'A header contains a control character.';
  const hosts = headers.all('host');
  // RFC 9112 section 3.2
  if (hosts.length !== 1 || !HOST.test(hosts[0] as string)) return 'There must be one Host.';
  const lengths = headers.all('content-length');
  const codings = headers.all('transfer-encoding');
  if (codings.length > 0) {
    if (lengths.length > 0) return 'Content-Length and Transfer-Encoding exclude each other.';
    if (codings.length > 1 || codings[0]?.toLowerCase() !== 'chunked') {
      return 'Transfer-Encoding must be chunked.';
    }
  }
  if (lengths.length > 1 || (lengths[0] !== undefined && !LENGTH.test(lengths[0]))) {
    return 'Content-Length must be one number.';
  }
  return null;
}
