import type { AccountActor, Actor } from '../../kernel/actor.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { DeviceId, NetworkId, TenantId } from '../../kernel/ids.ts';
import { LiveFollowers } from '../../kernel/live-followers.ts';
import type { Logger } from '../../kernel/logger.ts';
import type { ListPosition, Page } from '../../kernel/page.ts';
import { requirePermission, seesNetwork } from '../../kernel/permission.ts';
import type { Device } from '../devices/index.ts';
import { FOLLOW_LIMITS, READ_TOGETHER } from './limits.ts';
import type { DeviceLookup, DeviceNetworkLookup, LiveLinks, NetworkLookup } from './ports.ts';
import { CapabilityCounts, healthOf, statusOfNetwork } from './rules.ts';
import { Troubles } from './troubles.ts';
import type { Health, NetworkHealth, TopologyChange, TopologyDevice } from './types.ts';

/** How the devices of a network are connected, and how they are. */
export interface TopologyService {
  /** Devices of a network with their links, in order of registration. Refuses with `network_not_found`. */
  listDevices(
    actor: Actor,
    networkId: NetworkId,
    after: ListPosition<DeviceId> | null,
    limit: number,
  ): Promise<Page<TopologyDevice, ListPosition<DeviceId>>>;
  /** The network as a whole. Refuses with `network_not_found`. */
  getHealth(actor: Actor, networkId: NetworkId): Promise<NetworkHealth>;
  /**
   * What changes from now on, until `signal`. Refuses with `network_not_found`, and with `limit_reached` where as many follow as may;
   * ends with `consumer_too_slow`.
   */
  follow(actor: Actor, networkId: NetworkId, signal: AbortSignal): Promise<AsyncIterable<TopologyChange>>;
  /**
   * The same for these devices, for each of their networks; of those that the account doesn't see, or that nobody has, nothing comes.
   * Refuses with `limit_reached`.
   */
  followDevices(
    actor: Actor,
    deviceIds: readonly DeviceId[],
    signal: AbortSignal,
  ): Promise<AsyncIterable<TopologyChange>>;
  stopFollowing(): void;
  /** A device came, or went. */
  moved(deviceId: DeviceId, tenantId: TenantId, isConnected: boolean): void;
  /** A device has another name, joined a network, or says that it can do something else. */
  changed(deviceId: DeviceId): void;
  /** The server refused a device something. */
  refused(deviceId: DeviceId): void;
}

/** What the service needs. */
export interface TopologyDependencies {
  readonly devices: DeviceLookup;
  readonly networks: NetworkLookup;
  readonly links: LiveLinks;
  readonly deviceNetworks: DeviceNetworkLookup;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** A change, and whose device and network it is about. */
interface ToldChange extends TopologyChange {
  readonly networkTenantId: TenantId;
  readonly deviceTenantId: TenantId;
}

/** Builds the service. */
export function createTopologyService(dependencies: TopologyDependencies): TopologyService {
  const { devices, networks, links, clock } = dependencies;
  const troubles = new Troubles();
  const live = new LiveFollowers<ToldChange, TopologyChange>(FOLLOW_LIMITS, viewOf);
  const liveDevices = new LiveFollowers<ToldChange, TopologyChange>(FOLLOW_LIMITS, viewOf);
  const tell = createTelling(dependencies, { live, liveDevices }, (deviceId) =>
    troubles.isFailing(deviceId, clock.nowMs()),
  );

  const healthOfDevice = ({ id, guest, status }: Device): Health =>
    healthOf(status, !guest && troubles.isFailing(id, clock.nowMs()));

  const list = (
    actor: AccountActor,
    networkId: NetworkId,
    after: ListPosition<DeviceId> | null,
    limit: number,
  ) =>
    devices.listDevices(actor, { networkId, worldType: null, assignedId: null, status: null, after, limit });

  return {
    async listDevices(actor, networkId, after, limit) {
      const page = await list(requirePermission(actor, 'devices.read'), networkId, after, limit);
      const items = page.items.map((device) => ({
        id: device.id,
        name: device.name,
        worldType: device.worldType,
        guest: device.guest,
        health: healthOfDevice(device),
        links: device.guest ? [] : links.linksOf(device.id),
      }));
      return { items, next: page.next };
    },

    async getHealth(actor, networkId) {
      const account = requirePermission(actor, 'devices.read');
      return sumUp((after) => list(account, networkId, after, READ_TOGETHER), healthOfDevice);
    },

    async follow(actor, networkId, signal) {
      const account = requirePermission(actor, 'devices.read');
      await networks.getNetwork(account, networkId);
      live.requireRoom(account);
      return live.follow(account, [networkId], async () => [], signal);
    },

    async followDevices(actor, deviceIds, signal) {
      const account = requirePermission(actor, 'devices.read');
      liveDevices.requireRoom(account);
      return liveDevices.follow(account, deviceIds, async () => [], signal);
    },

    stopFollowing() {
      live.close();
      liveDevices.close();
    },

    moved(deviceId, tenantId, isConnected) {
      if (isConnected) troubles.note(deviceId, clock.nowMs());
      tell(deviceId, tenantId, isConnected);
    },

    changed(deviceId) {
      const tenantId = links.ownerOf(deviceId);
      if (tenantId !== null) tell(deviceId, tenantId, true);
    },

    refused: (deviceId) => troubles.note(deviceId, clock.nowMs()),
  };
}

type DevicePage = Page<Device, ListPosition<DeviceId>>;

/** Reads all devices of a network, a page at a time. */
async function sumUp(
  read: (after: ListPosition<DeviceId> | null) => Promise<DevicePage>,
  healthOfDevice: (device: Device) => Health,
): Promise<NetworkHealth> {
  const counts: Record<Health, number> = { reachable: 0, silent: 0, failing: 0, offline: 0 };
  const found = new CapabilityCounts();
  for (let page = await read(null); ; page = await read(page.next)) {
    for (const device of page.items) {
      counts[healthOfDevice(device)]++;
      found.add(device);
    }
    if (page.next === null) break;
  }
  const capabilities = {
    sensors: found.of('sensors'),
    actuators: found.of('actuators'),
    commands: found.of('commands'),
  };
  return { status: statusOfNetwork(counts), counts, capabilities };
}

/** Of a guest only whether it is there. */
function viewOf(
  actor: AccountActor,
  { networkTenantId, deviceTenantId, ...change }: ToldChange,
): TopologyChange | null {
  if (networkTenantId !== actor.tenantId || !seesNetwork(actor, change.networkId)) return null;
  if (deviceTenantId === actor.tenantId) return change;
  return { ...change, health: change.health === 'offline' ? 'offline' : 'reachable', links: [] };
}

type Followers = LiveFollowers<ToldChange, TopologyChange>;

/** Tells those who follow a device or its networks of it, one device at a time; nobody waits for it. */
function createTelling(
  { links, deviceNetworks, clock, logger }: TopologyDependencies,
  { live, liveDevices }: Readonly<Record<'live' | 'liveDevices', Followers>>,
  isFailing: (deviceId: DeviceId) => boolean,
) {
  const tellNow = async (deviceId: DeviceId, deviceTenantId: TenantId, isConnected: boolean) => {
    for (const { networkId, networkTenantId } of await deviceNetworks.findNetworks(
      deviceId,
      deviceTenantId,
    )) {
      const change = {
        networkId,
        networkTenantId,
        deviceId,
        deviceTenantId,
        health: healthOf(isConnected ? 'active' : 'offline', isFailing(deviceId)),
        links: links.linksOf(deviceId),
        atMs: clock.nowMs(),
      };
      live.tell(networkId, change);
      liveDevices.tell(deviceId, change);
    }
  };
  return (deviceId: DeviceId, tenantId: TenantId, isConnected: boolean): void => {
    if (live.isEmpty && !liveDevices.isFollowed(deviceId)) return;
    tellNow(deviceId, tenantId, isConnected).catch((error: unknown) => {
      logger.warn({ operation: 'topology.tell', error }, 'a change is not told to those who follow');
    });
  };
}
