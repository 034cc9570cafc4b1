import { DAY_MS, HOUR_MS } from '../../kernel/clock.ts';

/** Times of a week in which a provider sells: a few for each day. */
export const WEEKLY_TIMES_MAX = 50;
/** Opening and closing are on quarters of an hour: on these all offsets of time zones are, and all changes of them. */
export const QUARTER_MS = HOUR_MS / 4;
/** How far ahead the next opening is looked for: a week, and one more where the first falls into the change of the clocks. */
export const LOOK_AHEAD_MS = 15 * DAY_MS;
/** Time zones whose calendars are kept in memory. */
export const TIME_ZONES_KEPT_MAX = 600;
/** The longest wait for a first token that anybody sells under, in seconds. */
export const WAIT_SECONDS_MAX = 600;
/** What is said of data and hardware, in characters. */
export const NOTE_CHARACTERS_MAX = 200;
/** Days for which a provider may say that it keeps prompts: ten years. */
export const RETENTION_DAYS_MAX = 3_650;
/** Decisions that are shown with a registration. */
export const DECISIONS_SHOWN_MAX = 20;
/** Between two tests of one provider, in milliseconds: they cost its owner electricity, and nobody else pays. */
export const TEST_INTERVAL_MS = 30_000;
/** Registrations of one tenant: as many as it may list, and some that are switched off. */
export const TENANT_REGISTRATIONS_MAX = 1_000;
