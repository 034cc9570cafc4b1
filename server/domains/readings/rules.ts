import { DAY_MS } from '../../kernel/clock.ts';
import { CLOCK_AHEAD_MS, NAME_CHARACTERS_MAX, TEXT_CHARACTERS_MAX, UNIT_CHARACTERS_MAX } from './limits.ts';
import type { AskedRange, HistoryRange, KeptReading, SaidReading } from './types.ts';

/** When a reading counts as measured: when the device says, where it has a clock that may be right, else now. */
export function measuredAt(saidAtMs: number, nowMs: number): number {
  return saidAtMs > 0 && saidAtMs <= nowMs + CLOCK_AHEAD_MS ? saidAtMs : nowMs;
}

/** True for what can be kept: a name of visible length, a number that is one, a text that a database holds. */
export function isKeepable({ name, value, unit }: SaidReading): boolean {
  if (typeof value === 'number' && !Number.isFinite(value)) return false;
  if (typeof value === 'string' && (value.length > TEXT_CHARACTERS_MAX || UNKEEPABLE.test(value)))
    return false;
  const isNamed = name.length > 0 && name.length <= NAME_CHARACTERS_MAX && !UNKEEPABLE.test(name);
  return isNamed && unit.length <= UNIT_CHARACTERS_MAX && !UNKEEPABLE.test(unit);
}

/** Half of a character, or NUL: PostgreSQL has no place for them. */
const UNKEEPABLE = /[\p{Cs}\0]/u;

/** The range that is asked for: up to now and from a day before, where nothing else is said. */
export function rangeOf({ fromMs, toMs, ...asked }: AskedRange, nowMs: number): HistoryRange {
  const endMs = toMs ?? nowMs;
  return { ...asked, fromMs: fromMs ?? endMs - DAY_MS, toMs: endMs };
}

/** What tells a series from all others. */
export const seriesKey = ({
  networkId,
  deviceId,
  name,
}: Pick<KeptReading, 'networkId' | 'deviceId' | 'name'>): string => networkId + deviceId + name;

/** The readings without those that others of the same series and time replace: the later in the list counts. */
export function withoutReplaced(readings: readonly KeptReading[]): KeptReading[] {
  const last = new Map<string, KeptReading>();
  for (const reading of readings) last.set(`${reading.atMs} ${seriesKey(reading)}`, reading);
  return [...last.values()];
}
