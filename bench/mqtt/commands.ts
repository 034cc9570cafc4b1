import { type BenchOptions, type BenchResult, round } from '../harness.ts';
import { startPart } from '../processes/part.ts';
import type { Pair, Product } from '../processes/product.ts';
import type { ConfiguredServer } from '../references/configured-server.ts';
import type { CommandsPart, CommandTimes } from './commands-part.ts';

const COMMANDS = 500;
const COMMANDS_QUICK = 200;
const ROUNDS = 3;

/** A command of a Bifrost client to a plain device and its result, one at a time, beside the same way over mosquitto. */
export async function compareCommands(
  product: Product,
  pair: Pair,
  mosquitto: ConfiguredServer,
  report: (result: BenchResult) => void,
  { quick }: BenchOptions,
): Promise<void> {
  const part = startPart<CommandsPart>('plain-commands', 'load');
  const commands = quick ? COMMANDS_QUICK : COMMANDS;
  const rounds = quick ? 1 : ROUNDS;
  const [ours, reference]: [CommandTimes[], CommandTimes[]] = [[], []];
  const { port, mqttPort } = product;
  try {
    for (let count = 0; count < rounds; count++) {
      ours.push(await part.call('throughServer', { commands, port, mqttPort, pair }));
      reference.push(await part.call('throughBroker', { commands, port: mosquitto.port }));
    }
  } finally {
    await part.stop();
  }
  const best = (times: readonly CommandTimes[], of: keyof CommandTimes) =>
    Math.min(...times.map((time) => time[of]));
  report({
    name: 'mqtt-plain-command',
    ours: round(best(ours, 'p99Ms')),
    reference: round(best(reference, 'p99Ms')),
    ratio: round(best(reference, 'p99Ms') / best(ours, 'p99Ms')),
    unit: 'ms',
    runs: rounds,
    note: `medians ${round(best(ours, 'p50Ms'))} and ${round(best(reference, 'p50Ms'))} ms`,
  });
}
