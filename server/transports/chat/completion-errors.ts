import type { AppError } from '../../kernel/errors.ts';

/**
 * Headers of an answer to an error: `Retry-After` where waiting helps (RFC 9110 section 10.2.3), and `X-Should-Retry: false`,
 * which official clients obey, where repeating the request may cost a second time.
 */
export function completionErrorHeaders({ kind, details }: AppError): Readonly<Record<string, string>> {
  const seconds = details?.retryAfterSeconds ?? (kind === 'unavailable' ? 1 : undefined);
  const transactionId = details?.transactionId;
  return {
    ...(seconds === undefined ? {} : { 'retry-after': String(seconds) }),
    ...(kind === 'unauthenticated' ? { 'www-authenticate': 'Bearer' } : {}),
    ...(details?.mayRepeat === false ? { 'x-should-retry': 'false' } : {}),
    ...(typeof transactionId === 'string' ? { 'x-yggdrasil-transaction-id': transactionId } : {}),
  };
}
