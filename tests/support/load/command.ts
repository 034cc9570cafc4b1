/**
 * `npm run test:load -- --attack frames --seconds 10 --rounds 3`: how a tenant fares beside an attacker; without a name, beside
 * each. A line of JSON for each kind of work; ends with 1 where the victim was refused anything or the server died.
 */
import { parseArgs } from 'node:util';
import { ATTACKS } from './attacks.ts';
import { measureAttack } from './measure.ts';

const { values } = parseArgs({
  options: {
    attack: { type: 'string', multiple: true, default: Object.keys(ATTACKS) },
    seconds: { type: 'string', default: '10' },
    rounds: { type: 'string', default: '3' },
  },
});
const settings = { seconds: Number(values.seconds), rounds: Number(values.rounds) };
for (const attack of values.attack) {
  if (!(attack in ATTACKS) || !(settings.seconds > 0) || !(settings.rounds > 0)) {
    console.error(`Attacks: ${Object.keys(ATTACKS).join(', ')}. Seconds and rounds are numbers above 0.`);
    process.exit(2);
  }
  const { outcomes, isAlive } = await measureAttack(attack, settings);
  for (const outcome of outcomes) {
    const { refusals, ...figures } = outcome;
    console.log(JSON.stringify({ ...figures, refused: refusals.length, firstRefusal: refusals[0] ?? null }));
  }
  if (!isAlive || outcomes.some(({ refusals }) => refusals.length > 0)) process.exitCode = 1;
}
