import { systemClock, systemRandom } from '../client/index.ts';
import { readCredentialsFile } from '../node/credentials-file.ts';
import { loadBuiltDeviceCore } from '../node/device-core.ts';
import { withOutput } from '../node/output.ts';
import { stopSignal } from '../node/process.ts';
import { createMemoryFile } from './memory-file.ts';
import { createMqttConnector } from './mqtt-connector.ts';
import type { DeviceReport } from './report.ts';
import { createScriptFiles } from './scripts/store.ts';
import { createFlashFiles } from './updates/flash-files.ts';
import { VirtualDevice } from './virtual-device.ts';

/** The options of `virtual-device`. */
export interface VirtualDeviceOptions {
  readonly credentials: string;
  readonly mqtt: string;
  readonly intervalMs: number;
  readonly count?: number;
  readonly json?: boolean;
  /** The public key of who may deploy scripts. */
  readonly scriptKey?: Uint8Array;
  /** The public key of who may update it. */
  readonly releaseKey?: Uint8Array;
}

/** Of each of its two slots: what an ESP32 with 4 MB of flash has left for one. */
const SLOT_BYTES = 1_572_864;

/** Measures and obeys until its last reading, SIGINT or SIGTERM. Throws an Error when the broker refuses the device. */
export function runVirtualDevice(options: VirtualDeviceOptions): Promise<void> {
  return withOutput((line) => run(options, line));
}

async function run(options: VirtualDeviceOptions, line: (text: string) => void): Promise<void> {
  const stop = stopSignal();
  const credentials = readCredentialsFile(options.credentials);
  const device = new VirtualDevice(
    { credentials, intervalMs: options.intervalMs, readingsMax: options.count ?? Number.POSITIVE_INFINITY },
    {
      core: loadBuiltDeviceCore(),
      connect: createMqttConnector(options.mqtt, credentials),
      clock: systemClock,
      random: systemRandom,
      memory: createMemoryFile(`${options.credentials}.state`),
      scripts: {
        store: createScriptFiles(`${options.credentials}.scripts`),
        ownerKey: options.scriptKey ?? null,
      },
      ...(options.releaseKey === undefined ? {} : { updates: updatesOf(options, options.releaseKey) }),
      report: (report) => {
        const text = describe(report);
        line(options.json === true ? JSON.stringify({ kind: report.kind, text }) : text);
      },
    },
  );
  stop.addEventListener('abort', () => void device.stop());
  await device.run();
}

/** An image that begins with "broken" never reaches the server. */
function updatesOf({ credentials }: VirtualDeviceOptions, ownerKey: Uint8Array) {
  return {
    flash: createFlashFiles(`${credentials}.flash`, SLOT_BYTES),
    ownerKey,
    starts: (_manifest: unknown, content: Uint8Array) =>
      !new TextDecoder().decode(content).startsWith('broken'),
  };
}

function describe(report: DeviceReport): string {
  switch (report.kind) {
    case 'connected':
      return 'connected (this is a simulated device: there is no board)';
    case 'disconnected':
      return `not connected (${report.reason}), next try in ${report.retryInMs} ms`;
    case 'measured':
      return `${report.event.name} ${report.event.value} ${report.event.unit}`.trimEnd();
    case 'command':
      return `command ${report.name} ${report.outcome}`;
    case 'script':
      return `script ${report.name}: ${report.text}`;
    case 'update':
      return `update: ${report.text}`;
    case 'dropped':
      return `dropped a frame: ${report.reason}`;
    case 'refused':
      return `the server refuses a frame: ${report.code}, ${report.message}`;
  }
}
