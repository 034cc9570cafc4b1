import { follow } from '../../api/live.ts';
import type { Device, TopologyDevice } from '../../api/types.ts';

/** Somebody who scrolls fast looks at nothing in between, in milliseconds. */
const REST_MS = 250;
/** The server follows as many at once. */
const DEVICES_MAX = 100;

const STATUS_OF: Readonly<Record<TopologyDevice['health'], Device['status']>> = {
  reachable: 'active',
  failing: 'active',
  silent: 'inactive',
  offline: 'offline',
};

/** What a device is now. */
export type DeviceChange = Pick<Device, 'status' | 'lastSeenAt'>;

/** Follows the devices that are seen, and no others. */
export class LiveDevices {
  #connected = $state(false);
  readonly #changed: (id: string, change: DeviceChange) => void;
  #followed = '';
  #timer: ReturnType<typeof setTimeout> | undefined;
  #stop: () => void = () => undefined;

  constructor(changed: (id: string, change: DeviceChange) => void) {
    this.#changed = changed;
  }

  /** False: they may be otherwise by now. */
  get connected(): boolean {
    return this.#connected;
  }

  /** These are seen from now on. */
  look(devices: readonly Device[]): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#follow(devices), REST_MS);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#stop();
  }

  #follow(devices: readonly Device[]): void {
    const ids = devices
      .slice(0, DEVICES_MAX)
      .map(({ id }) => id)
      .join(',');
    if (ids === this.#followed) return;
    this.#followed = ids;
    this.#stop();
    this.#stop = () => undefined;
    if (ids === '') return;
    this.#stop = follow(
      { operation: 'devices.follow', query: { ids } },
      ({ name, data }) => {
        if (name !== 'device') return;
        const { deviceId, health, at } = JSON.parse(data) as Change;
        this.#changed(deviceId, { status: STATUS_OF[health], lastSeenAt: at });
      },
      (is) => {
        this.#connected = is;
      },
    );
  }
}

interface Change extends Pick<TopologyDevice, 'health'> {
  readonly deviceId: string;
  readonly at: string;
}
