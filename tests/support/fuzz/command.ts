/**
 * `npm run test:fuzz -- --inputs 1000000 --socket-inputs 100000 --seed 7`: that many inputs in the process and over
 * sockets. What is not named isn't done; without either, as many as in CI.
 */
import { parseArgs } from 'node:util';
import { runLongTests } from '../options.ts';

const { values } = parseArgs({
  options: { inputs: { type: 'string' }, 'socket-inputs': { type: 'string' }, seed: { type: 'string' } },
});
const { inputs, 'socket-inputs': socketInputs, seed } = values;
const both = inputs === undefined && socketInputs === undefined;
runLongTests(
  ['property', 'slow'],
  [
    ...(both || inputs !== undefined ? ['tests/property/fuzz/'] : []),
    ...(both || socketInputs !== undefined ? ['tests/acceptance/fuzz.slow.test.ts'] : []),
  ],
  {
    YGGDRASIL_TEST_INPUTS: inputs,
    YGGDRASIL_TEST_SOCKET_INPUTS: socketInputs,
    YGGDRASIL_TEST_SEED: seed,
  },
);
