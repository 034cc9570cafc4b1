/**
 * `npm run test:isolation -- --scripts 5000 --seed 7`: that many random scripts of a tenant, each in two worlds: alone, and beside neighbours
 * who know and use its ids. What it is told must be the same.
 */
import { parseArgs } from 'node:util';
import { runLongTests } from '../options.ts';

const { values } = parseArgs({
  options: { scripts: { type: 'string', default: '2000' }, seed: { type: 'string' } },
});
runLongTests(['slow'], ['tests/acceptance/non-interference.slow.test.ts'], {
  YGGDRASIL_TEST_SCRIPTS: values.scripts,
  YGGDRASIL_TEST_SEED: values.seed,
});
