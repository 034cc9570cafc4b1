import { AppError, invalidInput } from './errors.ts';

/** Printable ASCII, so that a key means the same to every client. */
export const IDEMPOTENCY_KEY = /^[\x21-\x7e]{1,255}$/;

/** The value of an `Idempotency-Key` header. Refuses with `invalid_input` one that can't be a key. */
export function requireIdempotencyKey(value: string): string {
  if (IDEMPOTENCY_KEY.test(value)) return value;
  throw invalidInput('The Idempotency-Key header must be 1 to 255 printable ASCII characters.');
}

/** The same key can't mean two things. */
export function idempotencyKeyReused(): AppError {
  return new AppError(
    'unprocessable',
    'idempotency_key_reused',
    'The Idempotency-Key was used before with other parameters.',
  );
}
