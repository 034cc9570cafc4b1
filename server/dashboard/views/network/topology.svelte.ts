import { ask, askAll } from '../../api/http.ts';
import { follow } from '../../api/live.ts';
import type { Connection, ListPage, TopologyDevice } from '../../api/types.ts';
import { repeat } from '../../parts/repeat.ts';

const CONNECTIONS_REFRESH_MS = 5_000;
/** Connections that are drawn; the list of connections has all. */
const CONNECTIONS_DRAWN_MAX = 200;

type Change = Pick<TopologyDevice, 'health' | 'links'> & { readonly deviceId: string };

/** The devices of a network, how each is connected, and what may send to what, as it changes. */
export class Topology {
  #devices = $state.raw<ReadonlyMap<string, TopologyDevice>>(new Map());
  #connections = $state.raw<readonly Connection[]>([]);
  #complete = $state(false);
  #live = $state(false);
  readonly #networkId: string;
  readonly #path: string;

  constructor(networkId: string) {
    this.#networkId = networkId;
    this.#path = `/networks/${encodeURIComponent(networkId)}/topology`;
  }

  get devices(): ReadonlyMap<string, TopologyDevice> {
    return this.#devices;
  }

  /** Those that are allowed, or asked for. */
  get connections(): readonly Connection[] {
    return this.#connections;
  }

  /** True when all devices have arrived. */
  get complete(): boolean {
    return this.#complete;
  }

  /** False: it may have changed meanwhile. */
  get live(): boolean {
    return this.#live;
  }

  /** Follows until it is stopped. */
  follow(): () => void {
    const stop = new AbortController();
    let arrived = new Map<string, Change>();
    let drawing = 0;
    const draw = () => {
      drawing = 0;
      this.#apply(arrived, stop.signal);
      arrived = new Map();
    };
    const end = follow(
      { operation: 'networks.topology.follow', params: { networkId: this.#networkId } },
      ({ name, data }) => {
        if (name !== 'device') return;
        const change = JSON.parse(data) as Change;
        arrived.set(change.deviceId, change);
        if (drawing === 0) drawing = requestAnimationFrame(draw);
      },
      (is) => {
        this.#live = is;
        // What changed while nobody followed is read anew.
        if (is) void this.#load(stop.signal).catch(() => undefined);
      },
    );
    const endConnections = repeat(CONNECTIONS_REFRESH_MS, () => this.#readConnections());
    return () => {
      stop.abort();
      end();
      endConnections();
      cancelAnimationFrame(drawing);
    };
  }

  #apply(changes: ReadonlyMap<string, Change>, signal: AbortSignal): void {
    const devices = new Map(this.#devices);
    let unknown = false;
    for (const { deviceId, health, links } of changes.values()) {
      const device = devices.get(deviceId);
      if (device === undefined) unknown = true;
      else devices.set(deviceId, { ...device, health, links });
    }
    this.#devices = devices;
    if (unknown && this.#complete) void this.#load(signal).catch(() => undefined);
  }

  async #load(signal: AbortSignal): Promise<void> {
    this.#complete = false;
    const read = new Map<string, TopologyDevice>();
    await askAll<TopologyDevice>(
      this.#path,
      (items) => {
        for (const device of items) read.set(device.id, device);
        if (this.#devices.size < read.size) this.#devices = new Map(read);
      },
      signal,
    );
    if (signal.aborted) return;
    this.#devices = read;
    this.#complete = true;
  }

  async #readConnections(): Promise<void> {
    const read = async (status: Connection['status']) => {
      const path = `/connections?networkId=${this.#networkId}&status=${status}&limit=${CONNECTIONS_DRAWN_MAX}`;
      return (await ask<ListPage<Connection>>('GET', path)).items;
    };
    this.#connections = (await Promise.all([read('allowed'), read('asked')])).flat();
  }
}
