import { createInterface } from 'node:readline';
import { InvalidArgumentError } from 'commander';
import { FrameChannel, NonceSource, systemRandom } from '../client/index.ts';
import { readCredentialsFile } from '../node/credentials-file.ts';
import { loadBuiltDeviceCore } from '../node/device-core.ts';
import { EXIT_FAILURE } from '../node/process.ts';
import { bytesOfHexLine, describeFrame, UndecodableFrameError } from './decode.ts';
import { type EncodeOptions, frameOf } from './encode.ts';

/** The options of `frame encode`. */
export interface EncodeCommandOptions extends EncodeOptions {
  readonly credentials: string;
}

/** The options of `frame decode`. */
export interface DecodeCommandOptions {
  readonly credentials: string;
  readonly hex?: boolean;
}

/**
 * Writes the frame that the options describe to stdout. Throws an InvalidArgumentError where they describe none or stdout
 * is a terminal, an Error where a file can't be read.
 */
export async function writeFrame(options: EncodeCommandOptions): Promise<void> {
  if (process.stdout.isTTY) {
    throw new InvalidArgumentError('a frame is binary: send it to a file or a pipe (> frame.bin)');
  }
  const channel = openChannel(options.credentials);
  process.stdout.write(channel.seal(frameOf(options, Date.now()), channel.newId()));
}

/**
 * Verifies the frames that come on stdin and prints each as a line of JSON. A line of hexadecimal that is no frame of this
 * device is reported on stderr and changes the exit code; a single binary frame that is none throws.
 */
export async function printFrames(options: DecodeCommandOptions): Promise<void> {
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
}

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
