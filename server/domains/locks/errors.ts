import { AppError, notFound } from '../../kernel/errors.ts';
import type { LockClaimId } from '../../kernel/ids.ts';
import type { LockRefusal } from './types.ts';

/** The answer to who is refused; `lost`: claims that were taken away with it. */
export function lockError(reason: LockRefusal, lost: readonly LockClaimId[] = []): AppError {
  switch (reason) {
    case 'not_found':
      return notFound('lock');
    case 'not_granted':
      return new AppError('conflict', 'lock_not_granted', 'Others have the lock.');
    case 'already_held':
      return new AppError(
        'conflict',
        'lock_already_held',
        'The same holder has this lock, or waits for it. Who works at the same time is another holder.',
      );
    case 'claim_id_taken':
      return new AppError('conflict', 'conflict', 'This id is that of another claim.');
    case 'deadlock':
      return new AppError(
        'conflict',
        'lock_deadlock',
        'Holders wait for each other, and this one gave way: it has lost what they waited for.',
        { details: { lost } },
      );
    case 'preempted':
      return new AppError(
        'conflict',
        'lock_preempted',
        'The lock was taken away: its holder waited in a deadlock, and gave way.',
      );
    case 'expired':
      return new AppError('conflict', 'lock_expired', 'The lease was not renewed in time: the lock is lost.');
    case 'too_many_names':
      return new TooManyNames();
    case 'too_many_held':
    case 'too_many_waiting':
      return new AppError('conflict', 'limit_reached', LIMITS[reason]);
  }
}

/** No name is left, unless one is forgotten. */
export class TooManyNames extends AppError {
  constructor() {
    super('conflict', 'limit_reached', 'The tenant has as many names of locks as it may have.');
  }
}

const LIMITS = {
  too_many_held: 'As many locks are held as may be.',
  too_many_waiting: 'As many wait for locks as may.',
} as const;
