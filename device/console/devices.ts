import { printJson, printLine, printList } from '../node/print.ts';
import { type RestApi, restApi } from '../node/rest-api.ts';
import type { ServerOptions } from '../node/server-options.ts';
import { type Cell, createProgress, painted, printable, renderTable, timeAgo } from '../node/terminal.ts';
import { findDevice, findNetwork, type ShownDevice } from './find.ts';

/** What every command that shows something takes. */
export interface ShowOptions extends ServerOptions {
  readonly json?: boolean;
}

/** The options of `devices list`. */
export interface ListDevicesOptions extends ShowOptions {
  readonly network?: string;
  readonly status?: string;
  readonly worldType?: string;
  readonly search?: string;
}

/** A reading, as the API shows it. */
export interface ShownReading {
  readonly name: string;
  readonly unit: string;
  readonly at: string;
  readonly value: unknown;
}

const TONES = { active: 'good', inactive: 'warning', offline: 'quiet' } as const;

const statusCell = ({ status }: ShownDevice): Cell => ({ text: status, tone: TONES[status] ?? 'quiet' });

/** `devices list`. */
export async function listDevices(options: ListDevicesOptions): Promise<void> {
  const api = restApi(options);
  const devices: ShownDevice[] = [];
  const progress = createProgress();
  const wanted = (options.search ?? '').toLowerCase();
  for await (const device of api.list<ShownDevice>(await listPath(api, options))) {
    if (`${device.name}\n${device.assignedId ?? ''}`.toLowerCase().includes(wanted)) devices.push(device);
    if (devices.length % 200 === 199) progress.say(`${devices.length} devices`);
  }
  progress.end();
  const nowMs = Date.now();
  const columns = {
    NAME: ({ name }: ShownDevice) => name,
    STATUS: statusCell,
    'LAST SEEN': ({ lastSeenAt }: ShownDevice) => timeAgo(lastSeenAt, nowMs),
    KIND: ({ worldType }: ShownDevice) => worldType,
    ID: ({ id }: ShownDevice) => id,
  };
  printList(options, devices, columns, 'There is no such device.');
}

async function listPath(api: RestApi, { network, status, worldType }: ListDevicesOptions): Promise<string> {
  const query = new URLSearchParams();
  if (network !== undefined) query.set('network_id', (await findNetwork(api, network)).id);
  if (status !== undefined) query.set('status', status);
  if (worldType !== undefined) query.set('world_type', worldType);
  return query.size === 0 ? '/api/v1/devices' : `/api/v1/devices?${query}`;
}

/** `devices show`: what the device says of itself, and the last value of each of its readings. */
export async function showDevice(said: string, options: ShowOptions): Promise<void> {
  const api = restApi(options);
  const device = await findDevice(api, said);
  const { items: readings } = await api.ask<{ items: readonly ShownReading[] }>(
    'GET',
    `/api/v1/devices/${device.id}/readings`,
  );
  if (options.json === true) return printJson({ ...device, readings });
  const { capabilities } = device;
  const facts: readonly (readonly [string, string])[] = [
    ['id', device.id],
    ...(device.assignedId === null ? [] : [['your id', device.assignedId] as const]),
    ['kind', device.worldType],
    ['status', device.status],
    ['last seen', device.lastSeenAt ?? 'never'],
    ['networks', device.networkIds.join(', ')],
    ...(capabilities === null
      ? []
      : ([
          ['platform', `${capabilities.platform} ${capabilities.firmware}`],
          ['sensors', capabilities.sensors.join(', ')],
          ['actuators', capabilities.actuators.join(', ')],
          ['commands', capabilities.commands.join(', ')],
        ] as const)),
  ];
  printLine(painted(printable(device.name), 'title'));
  for (const [name, value] of facts) printLine(`  ${name.padEnd(10)} ${printable(value)}`);
  if (readings.length === 0) return;
  const nowMs = Date.now();
  const rows = readings.map(({ name, value, unit, at }) => [
    name,
    valueText(value, unit),
    timeAgo(at, nowMs),
  ]);
  printLine(`\n${renderTable(['READING', 'VALUE', 'AT'], rows)}`);
}

/** A reading's value as people read it. */
export const valueText = (value: unknown, unit: string): string =>
  `${value === null ? 'unknown' : String(value)}${unit === '' ? '' : ` ${unit}`}`;
