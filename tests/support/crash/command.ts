/**
 * `npm run test:crash -- --kills 100 --losses 200 --seed 7`: kills the server that often under load, and takes its power
 * that often. What is not named isn't done; without either, as often as in CI.
 */
import { parseArgs } from 'node:util';
import { runLongTests } from '../options.ts';

const { values } = parseArgs({
  options: { kills: { type: 'string' }, losses: { type: 'string' }, seed: { type: 'string' } },
});
const { kills, losses, seed } = values;
const both = kills === undefined && losses === undefined;
runLongTests(
  ['slow'],
  [
    ...(both || kills !== undefined ? ['tests/acceptance/crash.slow.test.ts'] : []),
    ...(both || losses !== undefined ? ['tests/acceptance/power-loss.slow.test.ts'] : []),
  ],
  { YGGDRASIL_TEST_KILLS: kills, YGGDRASIL_TEST_LOSSES: losses, YGGDRASIL_TEST_SEED: seed },
);
