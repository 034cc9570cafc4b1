import { AppError } from '../../kernel/errors.ts';

/** A transaction is disputed once. */
export function disputeExists(): AppError {
  return new AppError('conflict', 'dispute_exists', 'This transaction was disputed already.');
}

/** What was given to its owner for good is not taken back. */
export function earningsReleased(): AppError {
  return new AppError(
    'conflict',
    'earnings_released',
    'What was earned by this transaction is released: it can not be disputed any more.',
  );
}

/** What cost nothing is not given back. */
export function transactionUnpaid(): AppError {
  return new AppError('conflict', 'transaction_unpaid', 'Nobody was paid for this transaction.');
}

/** A dispute is decided once, and then nothing is said any more. */
export function disputeDecided(): AppError {
  return new AppError('conflict', 'dispute_decided', 'This dispute is decided already.');
}

/** Refuses with `limit_reached` who has as many of something as there may be. */
export function requireRoom(count: number, max: number, message: string): void {
  if (count >= max) throw new AppError('conflict', 'limit_reached', message, { details: { max } });
}
