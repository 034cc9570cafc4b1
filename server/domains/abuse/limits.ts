import { HOUR_MS } from '../../kernel/clock.ts';
import type { AbuseKind, MeasureKind } from './types.ts';

/** How much brings which measure, and for how long, in milliseconds. */
export interface Step {
  readonly measure: MeasureKind;
  readonly count: number;
  readonly forMs: number;
}

const MINUTE_MS = 60_000;

/** What was counted is half as much after so long, in milliseconds: mistakes are forgotten, guessing isn't. */
export const HALF_LIFE_MS = 5 * MINUTE_MS;

const steps = (throttle: number, cutOff: number, lock: number): readonly Step[] => [
  { measure: 'throttle', count: throttle, forMs: 10 * MINUTE_MS },
  { measure: 'cut_off', count: cutOff, forMs: HOUR_MS },
  { measure: 'lock', count: lock, forMs: 24 * HOUR_MS },
];

/**
 * The rule of each kind. A person mistypes a code a few times and has a handful of old links; a program with a wrong token repeats the
 * same one, which counts once. A flood is what came beyond the limits by time, so a caller that waits as it is told has none.
 */
export const STEPS: Readonly<Record<AbuseKind, readonly Step[]>> = {
  credentials: steps(60, 300, 1_500),
  codes: steps(30, 100, 300),
  ids: steps(100, 500, 2_500),
  flood: steps(2_000, 20_000, 200_000),
  // It may be meant: more than slowing it down is the tenant's or the operator's to do.
  spending: [{ measure: 'throttle', count: 1, forMs: HOUR_MS }],
};

/** Calls in a minute of who is throttled. */
export const THROTTLED_PER_MINUTE = 30;

/** Subjects that are counted: of more, the one that was silent for longest is forgotten. */
export const COUNTED_MAX = 50_000;

/** Things tried that are remembered of one subject, to know them again. */
export const TRIED_MAX = 16;

/** Measures at the same time. Beyond them those of addresses go first, the oldest first. */
export const MEASURES_MAX = 10_000;

/** Measures that are written to the database in a minute: the others end with the process. */
export const WRITES_PER_MINUTE = 200;

/** Alerts in a minute that have a line in the log and a record of the audit; then one line says how many there were. */
export const ALERTS_PER_MINUTE = 30;

/** Between two mails to the operator, in milliseconds; the next one tells of all that was in between. */
export const MAIL_INTERVAL_MS = 15 * MINUTE_MS;

/** Alerts that one mail tells of. */
export const MAILED_MAX = 50;

/** Addresses of operators that a mail goes to. */
export const RECIPIENTS_MAX = 10;

/** Measures that are listed at most. */
export const LISTED_MAX = 1_000;
