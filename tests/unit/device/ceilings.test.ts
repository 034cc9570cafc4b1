import { describe, expect, it } from 'vitest';
import { failedCeilings } from '../../../device/native/ceilings.ts';

describe('a figure under a ceiling of 100', () => {
  it.each([1, 99, 99.5])('passes when it is %d', (ramBytes) => {
    expect(failedCeilings({ ramBytes }, { ramBytes: 100 })).toEqual([]);
  });

  it.each([100, 101, 0, -1, Number.NaN, Number.POSITIVE_INFINITY])('fails when it is %d', (ramBytes) => {
    expect(failedCeilings({ ramBytes }, { ramBytes: 100 })).toEqual(['ramBytes']);
  });

  it('fails when it was not measured', () => {
    expect(failedCeilings({ poolBytes: 5 }, { ramBytes: 100, poolBytes: 6 })).toEqual(['ramBytes']);
  });
});
