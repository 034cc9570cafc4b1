import { type BenchResult, describeMachine } from './harness.ts';
import { type SuiteEntry, suites } from './suites.ts';

const USAGE = 'npm run bench -- <suite> [--json]';

process.on('SIGINT', () => process.exit(130));
process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  const isJson = args.includes('--json');
  const names = args.filter((arg) => arg !== '--json');
  const [name] = names;
  if (name === undefined) {
    listSuites();
    return 0;
  }
  const entry = suites.find((suite) => suite.name === name);
  if (entry === undefined || names.length > 1) {
    const known = suites.map((suite) => suite.name).join(', ');
    console.error(`Unknown suite: ${names.join(' ')}. There is: ${known}. ${USAGE}`);
    return 2;
  }
  return await runSuite(entry, isJson);
}

async function runSuite({ name, load }: SuiteEntry, isJson: boolean): Promise<number> {
  const machine = describeMachine();
  const results: BenchResult[] = [];
  try {
    const { suite } = await load();
    if (!isJson) printHead(name, machine);
    await suite.run((result) => {
      results.push(result);
      if (!isJson) printRow(result);
    });
  } catch (error) {
    console.error(`The suite ${name} failed: ${error instanceof Error ? error.message : String(error)}`);
    return 1;
  }
  if (isJson) console.log(JSON.stringify({ suite: name, machine, results }));
  return 0;
}

function listSuites(): void {
  console.log(`${USAGE}\n`);
  for (const { name, measures, needs } of suites) {
    console.log(`  ${name}\n    measures ${measures}\n    needs ${needs}`);
  }
}

function printHead(name: string, machine: string): void {
  console.log(`${name} on ${machine}`);
  console.log(`${'name'.padEnd(22)}${'ours'.padStart(12)}${'reference'.padStart(12)}${'ratio'.padStart(9)}`);
}

function printRow({ name, ours, reference, ratio, unit }: BenchResult): void {
  const cells = [ours, reference].map((value) => String(value).padStart(12)).join('');
  console.log(`${name.padEnd(22)}${cells}${`${ratio.toFixed(2)}x`.padStart(9)}  ${unit}`);
}
