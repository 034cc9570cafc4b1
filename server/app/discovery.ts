import { describeDevices, listDevicesOf } from '../domains/devices/index.ts';
import {
  createDiscoveryService,
  createDiscoveryStore,
  type DeviceDirectory,
  kindOf,
} from '../domains/discovery/index.ts';
import { listSeries } from '../domains/readings/index.ts';
import type { Identity } from './identity.ts';
import type { Part } from './lifecycle.ts';
import type { Messaging } from './messaging.ts';
import type { Platform } from './platform.ts';
import type { Readings } from './readings.ts';

/** What networks tell others of their devices. */
export type Discovery = ReturnType<typeof buildDiscovery>;

/** Builds the area. */
export function buildDiscovery(
  platform: Platform,
  messaging: Messaging,
  { networks }: Identity,
  { readings }: Readings,
) {
  const discovery = createDiscoveryService({
    store: createDiscoveryStore(platform.database),
    networks,
    directory: deviceDirectory(platform, messaging),
    topics: messaging.serverTopics,
    logger: platform.logger,
  });
  readings.onKept((kept) => discovery.said(kept));
  messaging.onChanged((deviceId) => discovery.changed(deviceId));
  messaging.onPresence(({ deviceId }) => discovery.changed(deviceId));
  messaging.onLeft((deviceId, network) => discovery.left(deviceId, network));
  return { discovery };
}

function deviceDirectory({ database }: Platform, { connections }: Messaging): DeviceDirectory {
  return {
    describe: (deviceIds) => describeDevices(database, deviceIds),
    listOf: (networkId) => listDevicesOf(database, networkId),
    async listReadings(networkId, deviceId) {
      const series = await listSeries(database, networkId, deviceId);
      return series.map(({ name, unit, value }) => ({ name, unit, kind: kindOf(value) }));
    },
    isOnline: (deviceId) => connections.isOnline(deviceId),
  };
}

/** Discovery: begins when the trees do, and ends before them. */
export function discoveryPart({ discovery }: Discovery): Part {
  return {
    name: 'discovery',
    start: () => discovery.start(),
    stopAccepting: () => discovery.stopListening(),
    stop: () => discovery.stop(),
  };
}
