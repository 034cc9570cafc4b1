import type { PlainValue } from '../client/index.ts';
import { printJson, printLine } from '../node/print.ts';
import { EXIT_FAILURE } from '../node/process.ts';
import { restApi } from '../node/rest-api.ts';
import { painted, printable } from '../node/terminal.ts';
import type { ShowOptions } from './devices.ts';
import { findDevice, findNetwork } from './find.ts';

/** The options of `send`. */
export interface SendOptions extends ShowOptions {
  readonly network?: string;
  readonly wait?: number;
}

interface Sent {
  readonly id: string;
  readonly result: {
    readonly error: { readonly code: string; readonly message: string } | null;
    readonly values: Readonly<Record<string, unknown>>;
  } | null;
}

/**
 * `send`: a command for a device, and its answer. The exit code: 0 where it was done, or is kept for a device that is away; 1 where the device
 * refused. Throws an Error where the server does.
 */
export async function send(
  said: string,
  name: string,
  given: readonly (readonly [string, PlainValue])[],
  options: SendOptions,
): Promise<number> {
  const api = restApi(options);
  const device = await findDevice(api, said);
  const networkId = options.network === undefined ? undefined : (await findNetwork(api, options.network)).id;
  const sent = await api.ask<Sent>('POST', `/api/v1/devices/${device.id}/commands`, {
    name,
    arguments: Object.fromEntries(given),
    ...(networkId === undefined ? {} : { networkId }),
    ...(options.wait === undefined ? {} : { waitSeconds: options.wait }),
  });
  const error = sent.result?.error ?? null;
  if (options.json === true) printJson(sent);
  else if (sent.result === null) {
    process.stderr.write('No answer yet: the command is kept, and waits for the device.\n');
  } else {
    for (const [key, value] of Object.entries(sent.result.values)) {
      printLine(
        `${printable(key)}=${printable(typeof value === 'object' ? JSON.stringify(value) : String(value))}`,
      );
    }
    const said = error === null ? 'done' : `${error.code}: ${printable(error.message)}`;
    process.stderr.write(`${painted(said, error === null ? 'good' : 'bad', process.stderr)}\n`);
  }
  return error === null ? 0 : EXIT_FAILURE;
}
