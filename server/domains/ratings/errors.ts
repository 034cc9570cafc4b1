import { AppError } from '../../kernel/errors.ts';

/** A rating is given, and changed, for so long. */
export function ratingClosed(): AppError {
  return new AppError('conflict', 'rating_closed', 'This transaction can not be rated any more.');
}

/** Who paid nothing, got everything back, or bought of itself, has nothing to rate. */
export function nothingToRate(): AppError {
  return new AppError('conflict', 'transaction_unpaid', 'You paid nobody else for this transaction.');
}
