// `npm run device:fuzz -- --seconds 600 --keep`: libFuzzer on what a device reads of strangers, 64 and 32 bits.
import { parseArgs } from 'node:util';
import { fuzz } from '../../../device/native/fuzz/fuzz.ts';
import { fuzzBits, fuzzTargets } from '../../../device/native/fuzz/targets.ts';
import { seedsOf } from './seeds.ts';

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '60' }, keep: { type: 'boolean', default: false } },
});
const seconds = Number(values.seconds);
if (!Number.isInteger(seconds) || seconds < 1)
  throw new RangeError('--seconds is a whole number, for each program');
for (const target of fuzzTargets) {
  const seeds = await seedsOf(target);
  for (const bits of fuzzBits) {
    const { runs, isClean, output } = fuzz(target, bits, seconds, {
      isKept: values.keep && bits === 64,
      seeds,
    });
    console.log(`${target}, ${bits} bits: ${runs} inputs, ${isClean ? 'nothing found' : 'FOUND'}`);
    if (isClean) continue;
    console.error(output.slice(-8_000));
    process.exitCode = 1;
  }
}
