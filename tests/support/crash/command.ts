/**
 * `npm run test:crash -- --kills 100 --losses 200 --lost-connections 60 --cuts 1000 --seed 7`: kills the server that often under
 * load, takes its power that often, takes its database away that often, by the end of every connection and by the death of
 * PostgreSQL's first process, and cuts an answer's stream that often. What is not named isn't done; without any, as often as in CI.
 */
import { parseArgs } from 'node:util';
import { runLongTests } from '../options.ts';

const { values } = parseArgs({
  options: {
    kills: { type: 'string' },
    losses: { type: 'string' },
    'lost-connections': { type: 'string' },
    cuts: { type: 'string' },
    seed: { type: 'string' },
  },
});
const { kills, losses, 'lost-connections': lostConnections, cuts, seed } = values;
const all = [kills, losses, lostConnections, cuts].every((times) => times === undefined);
runLongTests(
  ['slow'],
  [
    ...(all || kills !== undefined ? ['tests/acceptance/crash.slow.test.ts'] : []),
    ...(all || losses !== undefined ? ['tests/acceptance/power-loss.slow.test.ts'] : []),
    ...(all || lostConnections !== undefined ? ['tests/acceptance/lost-connections.slow.test.ts'] : []),
    ...(all || cuts !== undefined ? ['tests/acceptance/stream-cuts.slow.test.ts'] : []),
  ],
  {
    YGGDRASIL_TEST_KILLS: kills,
    YGGDRASIL_TEST_LOSSES: losses,
    YGGDRASIL_TEST_LOST_CONNECTIONS: lostConnections,
    YGGDRASIL_TEST_CUTS: cuts,
    YGGDRASIL_TEST_SEED: seed,
  },
);
