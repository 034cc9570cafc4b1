import { Command, InvalidArgumentError } from 'commander';
import { urlOf, wholeNumber } from '../node/process.ts';
import { credentialsOption, withJson } from '../node/server-options.ts';
import type { VirtualDeviceOptions } from './main.ts';

/** `yggdrasil virtual-device`. */
export function createVirtualDeviceCommand(): Command {
  return withJson(
    new Command('virtual-device').description(
      'A simulated ESP32: hosts device.wasm, speaks MQTT, has a simulated thermometer and an LED.',
    ),
  )
    .addOption(credentialsOption().makeOptionMandatory())
    .requiredOption('--mqtt <url>', 'the broker, e.g. mqtt://127.0.0.1:1883', urlOf('mqtt', 'mqtts'))
    .option('--interval-ms <n>', 'time between two readings', wholeNumber(1), 1000)
    .option('--count <n>', 'stop after this many readings', wholeNumber(1))
    .option(
      '--script-key <key>',
      'takes scripts that are signed by this key ("script sign" prints it)',
      publicKey,
    )
    .option(
      '--release-key <key>',
      'takes firmware that is signed by this key ("release keygen" prints it)',
      publicKey,
    )
    .action(async (options: VirtualDeviceOptions) => (await import('./main.ts')).runVirtualDevice(options));
}

/** An Ed25519 public key, 32 bytes in base64url. */
function publicKey(text: string): Uint8Array {
  const key = Buffer.from(text, 'base64url');
  if (key.length === 32 && key.toString('base64url') === text) return key;
  throw new InvalidArgumentError('It must be an Ed25519 public key, 43 characters of base64url.');
}
