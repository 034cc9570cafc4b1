import { Argument, Command } from 'commander';
import { suites } from './suites.ts';

/** `yggdrasil bench`. */
export function createBenchCommand(): Command {
  return new Command('bench')
    .description('Measures a suite beside references in the same run; without a suite, lists them.')
    .addArgument(new Argument('[suite]', 'what to measure').choices(suites.map(({ name }) => name)))
    .option('--json', 'one line of JSON at the end instead of a table')
    .action(async (suite: string | undefined, { json = false }: { json?: boolean }) => {
      await (await import('./main.ts')).runBench(suite, json);
    });
}
