import { AppError } from '../../kernel/errors.ts';

const REFUSALS = {
  action_over: ['conflict', 'The action has ended.'],
  action_id_taken: ['conflict', 'This id is that of another action.'],
  action_cyclic: ['conflict', 'The device is asked in the course of an action that it asked for itself.'],
  // Kept for the next time: the report before it was refused for a while, and comes again, too.
  action_out_of_order: ['unavailable', 'A report before this one is missing.'],
  limit_reached: ['conflict', 'As many actions wait as may.'],
} as const;

/** The error of a code. */
export function actionError(code: keyof typeof REFUSALS): AppError {
  const [kind, message] = REFUSALS[code];
  return new AppError(kind, code, message);
}

/** As many kept events were sent as may be for now. */
export function tooManyResumes(waitMs: number): AppError {
  return new AppError(
    'rate_limited',
    'rate_limited',
    'Kept events were sent as often as may be. Try again later.',
    {
      details: { retryAfterSeconds: Math.max(1, Math.ceil(waitMs / 1_000)) },
    },
  );
}
