import { setTimeout as pause } from 'node:timers/promises';
import { withOutput } from '../node/output.ts';
import { stopSignal } from '../node/process.ts';
import { RefusedError, type RestApi, restApi } from '../node/rest-api.ts';
import { painted, printable } from '../node/terminal.ts';
import { type ShownReading, type ShowOptions, valueText } from './devices.ts';
import { findDevice, findNetwork, type ShownDevice } from './find.ts';

/** The options of `watch`. */
export interface WatchOptions extends ShowOptions {
  readonly network?: string;
  readonly count?: number;
}

/** Readings of so many devices are followed at once: an account has 16 streams of them, and others of its programs want some. */
const FOLLOWED_DEVICES_MAX = 12;
/** When a stream that broke is taken up again, in milliseconds. */
const RETRY_MS = 1_000;

interface TopologyChange {
  readonly deviceId: string;
  readonly health: string;
  readonly at: string;
}

interface Watched {
  readonly api: RestApi;
  readonly signal: AbortSignal;
  /** Takes what came: facts for programs, and a line for people. */
  readonly tell: (facts: object, line: string) => void;
}

/**
 * `watch` and `devices watch`: readings of a device, or of a network's devices and who of them comes and goes, until Ctrl-C or `--count`.
 * Throws an Error for a refusal.
 */
export async function watch(said: string | undefined, options: WatchOptions): Promise<void> {
  const api = restApi(options);
  const ended = new AbortController();
  stopSignal().addEventListener('abort', () => ended.abort());
  await withOutput(async (line) => {
    let left = options.count ?? Number.POSITIVE_INFINITY;
    const tell = (facts: object, text: string) => {
      if (left-- <= 0) return;
      line(options.json === true ? JSON.stringify(facts) : text);
      if (left <= 0) ended.abort();
    };
    const watched = { api, signal: ended.signal, tell };
    if (said === undefined) await watchNetwork(watched, options.network);
    else await followReadings(watched, await findDevice(api, said));
  });
}

async function watchNetwork(watched: Watched, said: string | undefined): Promise<void> {
  const { api } = watched;
  const network = said === undefined ? await onlyNetwork(api) : await findNetwork(api, said);
  const devices: ShownDevice[] = [];
  for await (const device of api.list<ShownDevice>(`/api/v1/devices?network_id=${network.id}`)) {
    devices.push(device);
  }
  const followed = devices.slice(0, FOLLOWED_DEVICES_MAX);
  if (followed.length < devices.length) {
    process.stderr.write(
      `Readings of ${followed.length} of ${devices.length} devices, and who of all comes and goes. One alone: "yggdrasil watch DEVICE".\n`,
    );
  }
  const names = new Map(devices.map(({ id, name }) => [id, name]));
  await Promise.all([
    followTopology(watched, network.id, names),
    ...followed.map((device) => followReadings(watched, device)),
  ]);
}

async function onlyNetwork(api: RestApi): Promise<{ id: string }> {
  const { items } = await api.ask<{ items: { id: string }[] }>('GET', '/api/v1/networks?limit=2');
  const [network, other] = items;
  if (network === undefined) throw new Error('You have no network.');
  if (other !== undefined) throw new Error('You have several networks: give a device, or --network.');
  return network;
}

function followReadings({ api, signal, tell }: Watched, { id, name }: ShownDevice): Promise<void> {
  return follow(signal, async () => {
    const path = `/api/v1/devices/${id}/readings/live`;
    for await (const { data } of api.events<ShownReading>(path, { signal })) {
      const value = painted(printable(valueText(data.value, data.unit)), 'title');
      tell(
        { kind: 'reading', deviceId: id, device: name, ...data },
        `${painted(data.at, 'quiet')} ${printable(name)} ${printable(data.name)} ${value}`,
      );
    }
  });
}

function followTopology(
  { api, signal, tell }: Watched,
  networkId: string,
  names: ReadonlyMap<string, string>,
): Promise<void> {
  return follow(signal, async () => {
    const path = `/api/v1/networks/${networkId}/topology/live`;
    for await (const { data } of api.events<TopologyChange>(path, { signal })) {
      const name = names.get(data.deviceId) ?? data.deviceId;
      const health = painted(data.health, data.health === 'reachable' ? 'good' : 'warning');
      tell(
        { kind: 'device', device: name, ...data },
        `${painted(data.at, 'quiet')} ${printable(name)} ${health}`,
      );
    }
  });
}

/** A stream that ends or breaks is taken up again; what the server refuses is over. */
async function follow(signal: AbortSignal, read: () => Promise<void>): Promise<void> {
  while (!signal.aborted) {
    try {
      await read();
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof RefusedError && error.status < 500) throw error;
    }
    await pause(RETRY_MS, undefined, { signal }).catch(() => {});
  }
}
