import { Command, Option } from 'commander';
import { parseArgument, parseBoolean, parseNumber } from '../node/arguments.ts';
import { credentialsOption, withJson } from '../node/server-options.ts';
import type { DecodeCommandOptions, EncodeCommandOptions } from './main.ts';
import { TYPE_NAMES } from './type-names.ts';

/** `yggdrasil frame`, with `encode` and `decode`. */
export function createFrameCommand(): Command {
  return new Command('frame')
    .description('Makes and reads signed Bifrost frames, for use with mosquitto.')
    .addCommand(createEncodeCommand())
    .addCommand(createDecodeCommand());
}

function createEncodeCommand(): Command {
  return new Command('encode')
    .description('writes one frame to stdout, for mosquitto_pub -f or -s')
    .addOption(credentialsOption().makeOptionMandatory())
    .addOption(
      new Option('--type <type>', 'what the frame is').choices([...TYPE_NAMES]).makeOptionMandatory(),
    )
    .option('--name <name>', 'of an event or command, e.g. sensor.temperature')
    .option('--number <n>', 'the value of an event', parseNumber)
    .option('--boolean <b>', 'the value of an event', parseBoolean)
    .option('--text <text>', 'the value of an event')
    .option('--unit <unit>', 'of an event, e.g. celsius')
    .option('--to <device id>', 'the device that gets the frame (a command needs it)')
    .option(
      '--argument <name=value>',
      'of a command, or a value of its result; may be repeated',
      list(parseArgument),
    )
    .option('--answers <frame id>', 'the command that a result answers')
    .option('--platform <text>', 'of the capabilities')
    .option('--firmware <text>', 'of the capabilities')
    .option('--sensor <name>', 'of the capabilities; may be repeated', list(asText))
    .option('--actuator <name>', 'of the capabilities; may be repeated', list(asText))
    .option('--command <name>', 'of the capabilities; may be repeated', list(asText))
    .option('--payload <file>', 'take the payload from a file as it is')
    .option('--transient', 'for who is connected now, not stored')
    .action(async (options: EncodeCommandOptions) => (await import('./main.ts')).writeFrame(options));
}

function createDecodeCommand(): Command {
  return withJson(
    new Command('decode').description('verifies frames from stdin and prints each as a line of JSON'),
  )
    .addOption(credentialsOption().makeOptionMandatory())
    .option('--hex', 'lines of hexadecimal, as mosquitto_sub -F %x prints them, instead of one binary frame')
    .action(async (options: DecodeCommandOptions) => (await import('./main.ts')).printFrames(options));
}

const list =
  <T>(parse: (text: string) => T) =>
  (text: string, before: T[] = []): T[] => [...before, parse(text)];
const asText = (text: string) => text;
