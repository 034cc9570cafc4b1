import { setMaxListeners } from 'node:events';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeWhole } from '../../server/platform/files/durable.ts';
import { type DeviceCredentials, parseCredentials } from '../client/index.ts';
import { printDone, printJson, printLine } from '../node/print.ts';
import { stopSignal } from '../node/process.ts';
import { RefusedError, type RestApi, restApi } from '../node/rest-api.ts';
import type { ServerOptions } from '../node/server-options.ts';
import { createPlainDevice, type FleetCounts, type PlainDevice } from './plain-device.ts';

/** The options of `fleet`. */
export interface FleetOptions extends ServerOptions {
  readonly network: string;
  readonly mqtt: string;
  readonly dir: string;
  readonly devices: number;
  readonly intervalMs: number;
  readonly count?: number;
  readonly json?: boolean;
}

/** How many are registered, or connect, at the same time: a server checks each token, and a laptop has few cores. */
const AT_ONCE = 16;
/** How often the fleet says how it fares, in milliseconds. */
const REPORT_INTERVAL_MS = 10_000;
/** Nobody but the user reads the tokens. */
const OWN_FILE = { mode: 0o600 };

/**
 * Registers the devices that have no file of credentials yet, connects all, and has them measure until the signal or until each has measured
 * `count` times. Throws a RefusedError where the server refuses to register one, an Error where it lets one not in.
 */
export async function runFleet(options: FleetOptions): Promise<void> {
  const stop = stopSignal();
  // Every device waits for it.
  setMaxListeners(options.devices + AT_ONCE, stop);
  mkdirSync(options.dir, { recursive: true });
  const api = restApi(options);
  const counts: FleetCounts = { connected: 0, readings: 0, commands: 0, lost: 0 };
  const names = Array.from(
    { length: options.devices },
    (_, index) => `fleet-${String(index + 1).padStart(5, '0')}`,
  );
  const devices: PlainDevice[] = [];
  const report = setInterval(() => printCounts(options, counts), REPORT_INTERVAL_MS);
  try {
    await inTurns(names, stop, async (name) => {
      const credentials = await credentialsOf(options, api, name);
      const device = createPlainDevice(options.mqtt, credentials, counts);
      devices.push(device);
      await device.connect();
    });
    printDone(options, { ...counts }, `${counts.connected} devices are connected`);
    await Promise.all(devices.map((device, index) => measure(device, index / devices.length, options, stop)));
  } finally {
    clearInterval(report);
    await Promise.all(devices.map((device) => device.close()));
  }
  printCounts(options, counts);
}

function printCounts({ json }: FleetOptions, counts: FleetCounts): void {
  const { connected, readings, commands, lost } = counts;
  if (json === true) printJson({ ...counts });
  else
    printLine(
      `${connected} connected, ${readings} readings acknowledged, ${commands} commands done, ${lost} connections lost`,
    );
}

/** Does the work for each, a few at a time, until the signal. Rejects with the first that fails. */
async function inTurns<Item>(
  items: readonly Item[],
  stop: AbortSignal,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const rest = items.values();
  const worker = async (): Promise<void> => {
    for (const item of rest) {
      if (stop.aborted) return;
      await work(item);
    }
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, items.length) }, worker));
}

/** Those that are kept, or those of a device that is registered now. */
async function credentialsOf(
  { dir, network }: FleetOptions,
  api: RestApi,
  name: string,
): Promise<DeviceCredentials> {
  const file = join(dir, `${name}.json`);
  if (existsSync(file)) return parseCredentials(readFileSync(file, 'utf8'));
  const body = { name, networkId: network, worldType: 'jotunheim' };
  const { credentials } = await asSoonAsAllowed(() =>
    api.ask<{ credentials: DeviceCredentials }>('POST', '/api/v1/devices', body),
  );
  writeWhole(file, `${JSON.stringify(credentials)}\n`, OWN_FILE);
  return credentials;
}

/** Asks again where the server says that it was asked too often, when it says. */
async function asSoonAsAllowed<Answer>(ask: () => Promise<Answer>): Promise<Answer> {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof RefusedError) || error.code !== 'rate_limited') throw error;
      const seconds = Number(error.details.retryAfterSeconds ?? 1);
      await new Promise((resolve) => setTimeout(resolve, seconds * 1_000));
    }
  }
}

/** Measures again and again. Devices begin one after the other, so that they don't all speak at the same time. */
async function measure(
  device: PlainDevice,
  share: number,
  { intervalMs, count = Number.POSITIVE_INFINITY }: FleetOptions,
  stop: AbortSignal,
): Promise<void> {
  await pause(intervalMs * share, stop);
  for (let measured = 0; measured < count && !stop.aborted; measured++) {
    if (measured > 0) await pause(intervalMs, stop);
    await device.measure();
  }
}

/** Resolves after this time, or at the signal. */
async function pause(ms: number, stop: AbortSignal): Promise<void> {
  if (stop.aborted) return;
  await new Promise<void>((resolve) => {
    const done = () => {
      clearTimeout(timer);
      stop.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    stop.addEventListener('abort', done);
  });
}
