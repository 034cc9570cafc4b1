import { seedsFrom } from '../seeds.ts';
import { ALL, FEW } from './scenarios.ts';
import { HEAD, lineOf, problemsOf, rowOf } from './table.ts';

// npm run bench -- market; exits with 1 where a threshold isn't met.
const seeds = seedsFrom(process.env, 3);
console.log(`seeds ${seeds.join(', ')} (SEED=n SEEDS=n begin elsewhere)`);
console.log(HEAD);
const problems: string[] = [];
for (const scenario of process.env.FEW === undefined ? ALL : FEW) {
  const row = await rowOf(scenario, seeds);
  console.log(lineOf(row));
  problems.push(...problemsOf(row));
}
console.log(problems.length === 0 ? 'every threshold is met' : `not met:\n  ${problems.join('\n  ')}`);
process.exit(problems.length === 0 ? 0 : 1);
