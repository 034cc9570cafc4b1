import { describe, expect, it } from 'vitest';
import {
  isOpenAt,
  nextChangeMs,
  problemsOfHours,
  WEEKDAYS,
  type WeeklyHours,
} from '../../../server/domains/registrations/hours.ts';

const at = (text: string) => Date.parse(text);
const daily = (timeZone: string, from: string, to: string): WeeklyHours => ({
  timeZone,
  weekly: [{ days: WEEKDAYS, from, to }],
});

describe('weekly hours', () => {
  it('begin and end by the clocks of their place, in summer and in winter', () => {
    const hours = daily('Europe/Berlin', '08:00', '20:00');
    expect(isOpenAt(hours, at('2026-01-15T06:59:59Z'))).toBe(false);
    expect(isOpenAt(hours, at('2026-01-15T07:00:00Z'))).toBe(true);
    expect(isOpenAt(hours, at('2026-07-15T05:59:59Z'))).toBe(false);
    expect(isOpenAt(hours, at('2026-07-15T06:00:00Z'))).toBe(true);
    expect(isOpenAt(hours, at('2026-07-15T18:00:00Z'))).toBe(false);
  });

  it('go on into the next day where they end before they begin', () => {
    const friday: WeeklyHours = {
      timeZone: 'America/New_York',
      weekly: [{ days: ['fri'], from: '22:00', to: '06:00' }],
    };
    // The 16th of January 2026 is a Friday; New York is five hours behind.
    expect(isOpenAt(friday, at('2026-01-17T02:59:00Z'))).toBe(false);
    expect(isOpenAt(friday, at('2026-01-17T03:00:00Z'))).toBe(true);
    expect(isOpenAt(friday, at('2026-01-17T10:59:00Z'))).toBe(true);
    expect(isOpenAt(friday, at('2026-01-17T11:00:00Z'))).toBe(false);
    expect(isOpenAt(friday, at('2026-01-16T10:00:00Z'))).toBe(false);
  });

  it('are skipped with the hour that the clocks skip, and come twice with the one that they repeat', () => {
    const hours = daily('Europe/Berlin', '02:15', '02:45');
    const openIn = (day: string) => {
      const quarters = Array.from({ length: 24 * 4 }, (_, index) => at(day) + index * 900_000);
      return quarters.filter((ms) => isOpenAt(hours, ms)).length;
    };
    expect(openIn('2026-03-27T23:00:00Z')).toBe(2);
    expect(openIn('2026-03-28T23:00:00Z')).toBe(0);
    expect(openIn('2026-10-24T22:00:00Z')).toBe(4);
  });

  it('are right in zones that are off by quarters of an hour', () => {
    expect(isOpenAt(daily('Asia/Kathmandu', '09:00', '10:00'), at('2026-05-05T03:15:00Z'))).toBe(true);
    expect(isOpenAt(daily('Asia/Kathmandu', '09:00', '10:00'), at('2026-05-05T03:14:59Z'))).toBe(false);
    expect(isOpenAt(daily('UTC', '00:00', '24:00'), at('2026-05-05T23:59:59Z'))).toBe(true);
  });

  it.each([
    ['opens', 'Europe/Berlin', '2026-01-15T03:10:00Z', '2026-01-15T07:00:00.000Z'],
    ['closes', 'Europe/Berlin', '2026-01-15T09:10:00Z', '2026-01-15T19:00:00.000Z'],
    [
      'opens an hour earlier after the clocks changed',
      'Europe/Berlin',
      '2026-03-28T20:00:00Z',
      '2026-03-29T06:00:00.000Z',
    ],
  ])('say when it %s next', (_, timeZone, now, expected) => {
    const next = nextChangeMs(daily(timeZone, '08:00', '20:00'), at(now));
    expect(new Date(next ?? 0).toISOString()).toBe(expected);
  });

  it('that never change say so', () => {
    expect(nextChangeMs(daily('UTC', '00:00', '24:00'), at('2026-01-15T03:10:00Z'))).toBeNull();
  });
});

describe('hours that are none', () => {
  const weekly = [{ days: ['mon'] as const, from: '08:00', to: '20:00' }];
  it.each<[string, WeeklyHours, string]>([
    ['are at no place', { timeZone: 'Middle/Earth', weekly }, 'hours.timeZone'],
    ['are by an offset that no clock follows', { timeZone: '+25:00', weekly }, 'hours.timeZone'],
    ['have a name that is code', { timeZone: '../../etc/passwd', weekly }, 'hours.timeZone'],
    ['have no times', { timeZone: 'UTC', weekly: [] }, 'hours.weekly'],
    [
      'have no days',
      { timeZone: 'UTC', weekly: [{ days: [], from: '08:00', to: '20:00' }] },
      'hours.weekly.0.days',
    ],
    [
      'end when they begin',
      { timeZone: 'UTC', weekly: [{ days: ['mon'], from: '08:00', to: '08:00' }] },
      'hours.weekly.0',
    ],
    [
      'begin at a time that no clock shows',
      { timeZone: 'UTC', weekly: [{ days: ['mon'], from: '24:15', to: '08:00' }] },
      'hours.weekly.0.from',
    ],
    [
      'begin off the quarter',
      { timeZone: 'UTC', weekly: [{ days: ['mon'], from: '08:01', to: '09:00' }] },
      'hours.weekly.0.from',
    ],
  ])('because they %s are told so', (_, hours, path) => {
    expect(problemsOfHours(hours).map((problem) => problem.path)).toEqual([path]);
  });

  it('are told from those that are', () => {
    expect(problemsOfHours({ timeZone: 'Europe/Berlin', weekly })).toEqual([]);
    expect(problemsOfHours(daily('Etc/GMT+5', '22:00', '24:00'))).toEqual([]);
  });
});
