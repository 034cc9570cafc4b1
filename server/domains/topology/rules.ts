import type { Device, DeviceStatus } from '../devices/index.ts';
import { CAPABILITIES_SHOWN_MAX } from './limits.ts';
import {
  CAPABILITY_LISTS,
  type CapabilityCount,
  type CapabilityList,
  HEALTHS,
  type Health,
  type NetworkHealth,
} from './types.ts';

/** How a device is. A guest's trouble is its own tenant's to know. */
export function healthOf(status: DeviceStatus, isFailing: boolean): Health {
  if (status === 'offline') return 'offline';
  if (isFailing) return 'failing';
  return status === 'active' ? 'reachable' : 'silent';
}

/** How a network is, by how its devices are. */
export function statusOfNetwork(counts: NetworkHealth['counts']): NetworkHealth['status'] {
  const all = HEALTHS.reduce((sum, health) => sum + counts[health], 0);
  if (all === 0) return 'empty';
  if (counts.reachable === all) return 'healthy';
  return counts.reachable > 0 ? 'degraded' : 'down';
}

/** What the devices of a network can do, counted as they are read. */
export class CapabilityCounts {
  readonly #counts: Readonly<Record<CapabilityList, Map<string, number>>> = {
    sensors: new Map(),
    actuators: new Map(),
    commands: new Map(),
  };

  add({ capabilities }: Pick<Device, 'capabilities'>): void {
    if (capabilities === null) return;
    for (const list of CAPABILITY_LISTS) {
      for (const name of new Set(capabilities[list])) {
        this.#counts[list].set(name, (this.#counts[list].get(name) ?? 0) + 1);
      }
    }
  }

  /** Those of most devices first. */
  of(list: CapabilityList): CapabilityCount[] {
    return [...this.#counts[list]]
      .map(([name, devices]) => ({ name, devices }))
      .sort((one, other) => other.devices - one.devices || (one.name < other.name ? -1 : 1))
      .slice(0, CAPABILITIES_SHOWN_MAX);
  }
}
