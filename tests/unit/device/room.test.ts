import { describe, expect, it } from 'vitest';
import { outsideCelsius, ROOM_AT_START, readingCelsius, roomAfter } from '../../../device/virtual/room.ts';

describe('the simulated room', () => {
  it('gives the same temperatures for the same times', () => {
    const minutes = (count: number) => {
      let room = ROOM_AT_START;
      for (let minute = 0; minute < count; minute++) room = roomAfter(room, 60);
      return readingCelsius(room);
    };
    expect(minutes(600)).toBe(minutes(600));
    expect(minutes(600)).toBe(readingCelsius(roomAfter(ROOM_AT_START, 36_000)));
  });

  it('stays between the limits of its thermostat for a week', () => {
    let room = ROOM_AT_START;
    for (let minute = 0; minute < 7 * 24 * 60; minute++) {
      room = roomAfter(room, 60);
      expect(room.temperatureCelsius).toBeGreaterThan(19.8);
      expect(room.temperatureCelsius).toBeLessThan(22.2);
    }
  });

  it('cools towards the outside as exp(-t / tau) while the heater is off', () => {
    const outside = outsideCelsius(ROOM_AT_START.timeSeconds);
    const expected = outside + (20.5 - outside) * Math.exp(-60 / 14_400);
    expect(roomAfter(ROOM_AT_START, 60).temperatureCelsius).toBeCloseTo(expected, 10);
  });

  it('is coldest outside at four in the morning and warmest at four in the afternoon', () => {
    expect(outsideCelsius(4 * 3_600)).toBeCloseTo(3);
    expect(outsideCelsius(16 * 3_600)).toBeCloseTo(13);
  });
});
