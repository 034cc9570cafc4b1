import { seedsFrom } from '../seeds.ts';
import { ALL } from './scenarios.ts';
import { HEAD, lineOf, rowOf } from './table.ts';

// npm run bench -- market
const seeds = seedsFrom(process.env, 3);
console.log(`seeds ${seeds.join(', ')} (SEED=n SEEDS=n begin elsewhere)`);
console.log(HEAD);
for (const scenario of ALL) console.log(lineOf(await rowOf(scenario, seeds)));
