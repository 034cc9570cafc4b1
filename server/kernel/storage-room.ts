import { AppError } from './errors.ts';

/** Whether there is room to store more. */
export interface StorageRoom {
  /** Refuses with `storage_full` while there is none. What removes, reads or ends something doesn't ask. */
  requireRoom(): void;
}

/** The refusal of what there is no room for; the same may be stored when there is some. */
export function storageFull(cause?: unknown): AppError {
  const options = cause === undefined ? {} : { cause };
  return new AppError(
    'unavailable',
    'storage_full',
    'The server has no room to store this. Try again later.',
    options,
  );
}
