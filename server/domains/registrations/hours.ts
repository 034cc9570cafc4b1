import { HOUR_MS } from '../../kernel/clock.ts';
import { LOOK_AHEAD_MS, QUARTER_MS, TIME_ZONES_KEPT_MAX, WEEKLY_TIMES_MAX } from './limits.ts';

/** The days of the week, as they are written. */
export const WEEKDAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
export type Weekday = (typeof WEEKDAYS)[number];

/** A time of the day on some days of the week. One that ends before it begins goes on into the next day. */
export interface WeeklyTime {
  readonly days: readonly Weekday[];
  /** `22:15`, on a quarter of an hour. */
  readonly from: string;
  /** The first moment that isn't in it any more; `24:00`: the end of the day. */
  readonly to: string;
}

/** When something is open, by the clocks of a place. */
export interface WeeklyHours {
  /** An IANA name: `Europe/Berlin`. */
  readonly timeZone: string;
  readonly weekly: readonly WeeklyTime[];
}

/** One thing that is wrong with hours. */
export interface HoursProblem {
  readonly path: string;
  readonly message: string;
}

const MINUTES_OF_DAY = 24 * 60;
const TIME = /^([01][0-9]|2[0-3]):(00|15|30|45)$/;
const ZONE_NAME = /^[A-Za-z][A-Za-z0-9_+-]*(\/[A-Za-z0-9_+-]+){0,2}$/;

/** What is wrong with hours; of those that never come, too. */
export function problemsOfHours({ timeZone, weekly }: WeeklyHours): HoursProblem[] {
  const problems: HoursProblem[] = [];
  if (!isTimeZone(timeZone)) problems.push({ path: 'hours.timeZone', message: 'is no time zone' });
  if (weekly.length === 0) problems.push({ path: 'hours.weekly', message: 'never comes: it has no times' });
  if (weekly.length > WEEKLY_TIMES_MAX)
    problems.push({ path: 'hours.weekly', message: `has more than ${WEEKLY_TIMES_MAX} times` });
  for (const [index, { days, from, to }] of weekly.slice(0, WEEKLY_TIMES_MAX).entries()) {
    const path = `hours.weekly.${index}`;
    if (days.length === 0) problems.push({ path: `${path}.days`, message: 'never comes: it has no days' });
    if (!TIME.test(from))
      problems.push({ path: `${path}.from`, message: 'must be 00:00 to 23:45, on a quarter' });
    if (!TIME.test(to) && to !== '24:00')
      problems.push({ path: `${path}.to`, message: 'must be 00:00 to 24:00, on a quarter' });
    if (from === to)
      problems.push({ path, message: 'never comes: it ends when it begins; a whole day is 00:00 to 24:00' });
  }
  return problems;
}

/** True at the times that the clocks of the place say: an hour that they show twice is there twice, one that they skip never. */
export function isOpenAt({ timeZone, weekly }: WeeklyHours, atMs: number): boolean {
  const { day, minute } = localTime(timeZone, atMs);
  const dayBefore = (day + 6) % 7;
  const isOn = (days: readonly Weekday[], index: number) => days.includes(WEEKDAYS[index] as Weekday);
  return weekly.some(({ days, from, to }) => {
    const begin = minutesOf(from);
    const end = minutesOf(to);
    if (begin < end) return isOn(days, day) && minute >= begin && minute < end;
    return (isOn(days, day) && minute >= begin) || (isOn(days, dayBefore) && minute < end);
  });
}

/** When it opens next, or closes where it is open, in milliseconds since 1970; null: not within the next 15 days. */
export function nextChangeMs(hours: WeeklyHours, nowMs: number): number | null {
  const isOpen = isOpenAt(hours, nowMs);
  const firstMs = (Math.floor(nowMs / QUARTER_MS) + 1) * QUARTER_MS;
  for (let atMs = firstMs; atMs <= nowMs + LOOK_AHEAD_MS; atMs += QUARTER_MS) {
    if (isOpenAt(hours, atMs) !== isOpen) return atMs;
  }
  return null;
}

function minutesOf(time: string): number {
  return Number(time.slice(0, 2)) * 60 + Number(time.slice(3));
}

interface Calendar {
  readonly format: Intl.DateTimeFormat;
  /** The quarter of an hour that was read last, in milliseconds since 1970, and what the clocks showed at its begin. */
  quarterMs: number;
  day: number;
  minute: number;
}

// Making a calendar takes a hundred times as long as reading one.
const calendars = new Map<string, Calendar>();

/** What the clocks of a place show: the day of the week from Monday (0), and the minute of the day. */
function localTime(timeZone: string, atMs: number): { readonly day: number; readonly minute: number } {
  const calendar = calendarOf(timeZone);
  const quarterMs = Math.floor(atMs / QUARTER_MS) * QUARTER_MS;
  if (calendar.quarterMs !== quarterMs) {
    calendar.quarterMs = quarterMs;
    const [, name = '', hours, minutes] =
      /^(\w{3}),? (\d\d):(\d\d)/.exec(calendar.format.format(quarterMs)) ?? [];
    calendar.day = WEEKDAYS.indexOf(name.toLowerCase() as Weekday);
    calendar.minute = (Number(hours) * 60 + Number(minutes)) % MINUTES_OF_DAY;
  }
  const minute = calendar.minute + Math.floor((atMs - quarterMs) / (HOUR_MS / 60));
  return { day: calendar.day, minute };
}

function calendarOf(timeZone: string): Calendar {
  const known = calendars.get(timeZone);
  if (known !== undefined) return known;
  const format = new Intl.DateTimeFormat('en-GB', {
    timeZone,
    weekday: 'short',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  });
  const calendar = { format, quarterMs: Number.NaN, day: 0, minute: 0 };
  if (calendars.size >= TIME_ZONES_KEPT_MAX) calendars.clear();
  calendars.set(timeZone, calendar);
  return calendar;
}

function isTimeZone(name: string): boolean {
  if (name.length > 64 || !ZONE_NAME.test(name)) return false;
  try {
    calendarOf(name);
    return true;
  } catch {
    return false;
  }
}
