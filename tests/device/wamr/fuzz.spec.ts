import { describe, expect, it } from 'vitest';
import { fuzz } from '../../../device/native/fuzz/fuzz.ts';
import { fuzzBits, fuzzTargets } from '../../../device/native/fuzz/targets.ts';

/** `npm run device:fuzz` takes as long as one likes. */
const SECONDS = 2;

describe.each(fuzzBits)('libFuzzer with %i bits', (bits) => {
  it.each(fuzzTargets)('finds nothing in what a device makes of any %s', (target) => {
    const { runs, isClean, output } = fuzz(target, bits, SECONDS);
    console.log(`${target}, ${bits} bits: ${runs} inputs`);
    expect([isClean, isClean ? '' : output.slice(-4_000)]).toEqual([true, '']);
    expect(runs).toBeGreaterThan(0);
  });
});
