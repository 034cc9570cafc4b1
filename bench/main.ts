import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { type BenchOptions, type BenchResult, describeMachine } from './harness.ts';
import { type SuiteEntry, suites } from './suites.ts';

/** Measures a suite and prints its figures; without a name, lists the suites. Throws an Error when the suite fails. */
export async function runBench(
  name: string | undefined,
  isJson: boolean,
  options: BenchOptions,
): Promise<void> {
  const entry = suites.find((suite) => suite.name === name);
  if (entry === undefined) {
    listSuites();
    return;
  }
  process.on('SIGINT', () => process.exit(130));
  exposeGarbageCollector();
  await runSuite(entry, isJson, options);
}

async function runSuite({ name, load }: SuiteEntry, isJson: boolean, options: BenchOptions): Promise<void> {
  const machine = describeMachine();
  const results: BenchResult[] = [];
  const { suite } = await load();
  if (!isJson) printHead(name, machine);
  await suite.run((result) => {
    results.push(result);
    if (!isJson) printRow(result);
  }, options);
  if (isJson) console.log(JSON.stringify({ suite: name, machine, results }));
}

/** The garbage of one side must not be collected in the other's time: the harness does it before each. */
function exposeGarbageCollector(): void {
  setFlagsFromString('--expose-gc');
  globalThis.gc = runInNewContext('gc');
}

function listSuites(): void {
  console.log('npm run bench -- <suite> [--json] [--seconds n] [--quick] [--long]\n');
  for (const { name, measures, needs } of suites) {
    console.log(`  ${name}\n    measures ${measures}\n    needs ${needs}`);
  }
}

function printHead(name: string, machine: string): void {
  console.log(`${name} on ${machine}`);
  console.log(`${'name'.padEnd(22)}${'ours'.padStart(12)}${'reference'.padStart(12)}${'ratio'.padStart(9)}`);
}

function printRow({ name, ours, reference, ratio, unit, loadShare, note }: BenchResult): void {
  const cells = [ours, reference].map((value) => String(value).padStart(12)).join('');
  const share = loadShare === undefined ? '' : `, load ${Math.round(loadShare * 100)} % busy`;
  const more = note === undefined ? '' : `; ${note}`;
  console.log(`${name.padEnd(22)}${cells}${`${ratio.toFixed(2)}x`.padStart(9)}  ${unit}${share}${more}`);
}
