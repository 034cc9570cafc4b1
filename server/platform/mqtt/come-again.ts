import { AppError } from '../../kernel/errors.ts';

/** Why a client is to come again later, in words for it; null: the error is another one, which nobody expected. */
export function reasonToComeAgain(error: unknown): AppError | null {
  const comesAgain =
    error instanceof AppError && (error.kind === 'rate_limited' || error.kind === 'unavailable');
  return comesAgain ? error : null;
}
