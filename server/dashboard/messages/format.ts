import { language } from './index.svelte.ts';

/** The language of the page, as it is written where the reader is: `en-GB`. */
const locale = (): string => navigator.languages.find((tag) => tag.startsWith(language())) ?? language();

const STEPS = [
  { unit: 'second', seconds: 1, below: 60 },
  { unit: 'minute', seconds: 60, below: 3_600 },
  { unit: 'hour', seconds: 3_600, below: 86_400 },
  { unit: 'day', seconds: 86_400, below: Number.POSITIVE_INFINITY },
] as const;

/** How long ago it was: `5 minutes ago`. */
export function timeAgo(iso: string, nowMs: number): string {
  const seconds = Math.max(0, (nowMs - Date.parse(iso)) / 1000);
  const step = STEPS.find(({ below }) => seconds < below) ?? STEPS[3];
  const format = new Intl.RelativeTimeFormat(locale(), { numeric: 'auto' });
  return format.format(-Math.floor(seconds / step.seconds), step.unit);
}

/** A point in time, to the second. */
export const timeText = (iso: string): string =>
  new Intl.DateTimeFormat(locale(), { dateStyle: 'medium', timeStyle: 'medium' }).format(Date.parse(iso));

/** A day. */
export const dayText = (iso: string): string =>
  new Intl.DateTimeFormat(locale(), { dateStyle: 'medium' }).format(Date.parse(iso));

/** A point in time on an axis: the time of day, or the day where it is about many. */
export const axisText = (seconds: number, range: 'hour' | 'day' | 'month'): string =>
  new Intl.DateTimeFormat(
    locale(),
    range === 'month' ? { day: 'numeric', month: 'short' } : { hour: 'numeric', minute: '2-digit' },
  ).format(seconds * 1000);

/** A number as people read it: what is small with three digits that say something, the rest with two behind the point. */
export const numberText = (value: number): string =>
  new Intl.NumberFormat(
    locale(),
    Math.abs(value) < 1 ? { maximumSignificantDigits: 3 } : { maximumFractionDigits: 2 },
  ).format(value);

/** Bytes in the largest unit that they fill. */
export function bytesText(bytes: number): string {
  const units = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'] as const;
  const power = Math.min(Math.floor(Math.log(Math.max(bytes, 1)) / Math.log(1000)), units.length - 1);
  const unit = units[power] ?? 'byte';
  const format = new Intl.NumberFormat(locale(), { style: 'unit', unit, maximumFractionDigits: 1 });
  return format.format(bytes / 1000 ** power);
}

/** An amount of money. What has more digits than cents shows them: a request may cost less than a cent. */
export const moneyText = ({
  value,
  currency,
}: {
  readonly value: string;
  readonly currency: string;
}): string =>
  new Intl.NumberFormat(locale(), { style: 'currency', currency, maximumFractionDigits: 8 }).format(
    Number(value),
  );

/** Cents as the market has them, in decimal. */
export const centsText = (cents: string): string =>
  new Intl.NumberFormat(locale(), { maximumFractionDigits: 6 }).format(Number(cents));

/** A part of one. */
export const percentText = (share: number): string =>
  new Intl.NumberFormat(locale(), { style: 'percent', maximumFractionDigits: 0 }).format(share);

/** A number of things. */
export const countText = (count: number): string => new Intl.NumberFormat(locale()).format(count);

/** A day on an axis, or a month where each step is one; of UTC, as the market counts. */
export const stepText = (seconds: number, step: 'day' | 'month'): string =>
  new Intl.DateTimeFormat(locale(), {
    month: 'short',
    timeZone: 'UTC',
    ...(step === 'day' ? { day: 'numeric' } : { year: 'numeric' }),
  }).format(seconds * 1000);
