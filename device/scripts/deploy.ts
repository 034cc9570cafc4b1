import type { BifrostClient, DeviceCommandResult, PlainValue } from '../client/index.ts';
import { CHUNK_BYTES_MAX } from './limits.ts';
import type { ScriptPackage } from './package.ts';

/** What a device refused, in its words. */
export class DeviceRefusedError extends Error {
  override readonly name = 'DeviceRefusedError';
  readonly code: string;

  constructor(command: string, error: NonNullable<DeviceCommandResult['error']>) {
    super(`the device refuses ${command}: ${error.code} (${error.message})`);
    this.code = error.code;
  }
}

type Commander = Pick<BifrostClient, 'command'>;

/** Gives a device a command and returns its values. Throws DeviceRefusedError; rejects as `BifrostClient.command` does. */
export async function ask(
  client: Commander,
  deviceId: string,
  name: string,
  args: Readonly<Record<string, PlainValue>> = {},
): Promise<DeviceCommandResult['values']> {
  const { error, values } = await client.command(deviceId, name, args);
  if (error !== null) throw new DeviceRefusedError(name, error);
  return values;
}

/**
 * Deploys a package: begins, sends what the device doesn't have yet, part by part, and commits. Where the connection ends
 * in between, doing it again goes on where it stopped. `sent` is told how many bytes of the module are there.
 */
export async function deploy(
  client: Commander,
  deviceId: string,
  { manifestBytes, signature, module }: Omit<ScriptPackage, 'manifest'>,
  sent: (bytes: number) => void = () => {},
): Promise<DeviceCommandResult['values']> {
  const begun = await ask(client, deviceId, 'script.begin', { manifest: manifestBytes, signature });
  let offset = offsetOf(begun);
  sent(offset);
  while (offset < module.length) {
    const data = module.slice(offset, offset + CHUNK_BYTES_MAX);
    const next = offsetOf(await ask(client, deviceId, 'script.chunk', { offset, data }));
    if (next <= offset) throw new Error(`the device stays at ${next} of ${module.length} bytes`);
    offset = next;
    sent(offset);
  }
  return ask(client, deviceId, 'script.commit');
}

function offsetOf(values: DeviceCommandResult['values']): number {
  const { offset } = values;
  if (typeof offset !== 'number') throw new Error("the device doesn't say how much it has");
  return offset;
}
