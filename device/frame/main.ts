import { createInterface } from 'node:readline';
import { Command, Option } from 'commander';
import { FrameChannel, NonceSource, systemRandom } from '../client/index.ts';
import { readCredentialsFile } from '../node/credentials-file.ts';
import { loadBuiltDeviceCore } from '../node/device-core.ts';
import { EXIT_FAILURE, runProgram } from '../node/process.ts';
import { parseArgument, parseBoolean, parseNumber } from './arguments.ts';
import { bytesOfHexLine, describeFrame, UndecodableFrameError } from './decode.ts';
import { type EncodeOptions, frameOf, TYPE_NAMES } from './encode.ts';

const program = new Command('frame').description(
  'Makes and reads signed Bifrost frames, for use with mosquitto.',
);
const credentialsOption = () =>
  new Option(
    '--credentials <file>',
    'the JSON that POST /api/v1/devices answered under "credentials"',
  ).makeOptionMandatory();
const list =
  <T>(parse: (text: string) => T) =>
  (text: string, before: T[] = []): T[] => [...before, parse(text)];
const asText = (text: string) => text;

program
  .command('encode')
  .description('writes one frame to stdout, for mosquitto_pub -f or -s')
  .addOption(credentialsOption())
  .addOption(new Option('--type <type>', 'what the frame is').choices([...TYPE_NAMES]).makeOptionMandatory())
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
  .action((options: EncodeOptions & { credentials: string }) => {
    const channel = openChannel(options.credentials);
    const frame = channel.seal(frameOf(options, Date.now()), channel.newId());
    if (process.stdout.isTTY) throw new Error('a frame is binary: send it to a file or a pipe (> frame.bin)');
    process.stdout.write(frame);
  });

program
  .command('decode')
  .description('verifies frames from stdin and prints each as a line of JSON')
  .addOption(credentialsOption())
  .option('--hex', 'lines of hexadecimal, as mosquitto_sub -F %x prints them, instead of one binary frame')
  .action(async (options: { credentials: string; hex?: boolean }) => {
    const channel = openChannel(options.credentials);
    if (options.hex !== true) {
      console.log(describeFrame(channel, await readStandardInput()));
      return;
    }
    for await (const line of createInterface({ input: process.stdin })) {
      try {
        if (line.trim() !== '') console.log(describeFrame(channel, bytesOfHexLine(line.trim())));
      } catch (error) {
        if (!(error instanceof UndecodableFrameError)) throw error;
        process.stderr.write(`frame: ${error.message}\n`);
        process.exitCode = EXIT_FAILURE;
      }
    }
  });

await runProgram('frame', async () => {
  await program.parseAsync();
});

/** Two calls within the same millisecond need two nonces: this clock counts microseconds. */
function openChannel(credentialsFile: string): FrameChannel {
  return FrameChannel.create(readCredentialsFile(credentialsFile), {
    core: loadBuiltDeviceCore(),
    nonces: new NonceSource({ nowMs: () => performance.timeOrigin + performance.now() }),
    random: systemRandom,
  });
}

async function readStandardInput(): Promise<Uint8Array> {
  const parts: Buffer[] = [];
  for await (const part of process.stdin) parts.push(part as Buffer);
  return Buffer.concat(parts);
}
