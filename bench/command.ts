import { Argument, Command, InvalidArgumentError } from 'commander';
import { suites } from './suites.ts';

const SECONDS_MAX = 60;
/** Seconds of one measured interval, and with `--quick`. */
const SECONDS = 2;
const SECONDS_QUICK = 0.5;

interface Options {
  readonly json?: boolean;
  readonly quick?: boolean;
  readonly long?: boolean;
  readonly seconds?: number;
}

/** `yggdrasil bench`. */
export function createBenchCommand(): Command {
  return new Command('bench')
    .description('Measures a suite beside references in the same run; without a suite, lists them.')
    .addArgument(new Argument('[suite]', 'what to measure').choices(suites.map(({ name }) => name)))
    .option('--json', 'one line of JSON at the end instead of a table')
    .option('--seconds <number>', `seconds of one measured interval (default: ${SECONDS})`, secondsOf)
    .option('--quick', 'one short round of everything: shows that a suite works, not how fast the server is')
    .option('--long', 'what has to last is measured for ten minutes instead of half a minute (suite page)')
    .action(async (suite: string | undefined, given: Options) => {
      const { json = false, quick = false, long = false } = given;
      const options = { quick, long, seconds: given.seconds ?? (quick ? SECONDS_QUICK : SECONDS) };
      await (await import('./main.ts')).runBench(suite, json, options);
    });
}

function secondsOf(text: string): number {
  const seconds = Number(text);
  if (seconds > 0 && seconds <= SECONDS_MAX) return seconds;
  throw new InvalidArgumentError(`It must be a number above 0, up to ${SECONDS_MAX}.`);
}
