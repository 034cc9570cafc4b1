import type { Actor, DeviceActor } from '../../kernel/actor.ts';
import { notFound } from '../../kernel/errors.ts';
import type { DeviceId, NetworkId, TenantId } from '../../kernel/ids.ts';
import type { ListPosition, Page } from '../../kernel/page.ts';
import { requirePermission } from '../../kernel/permission.ts';
import type { Device, DeviceService } from '../devices/index.ts';
import type { TopologyChange, TopologyService } from '../topology/index.ts';
import type { Route, RouteReason, SealedRoute } from './types.ts';

/** Which routes are asked for; null: all. */
export interface RouteFilter {
  readonly networkId: NetworkId | null;
  /** To this device. */
  readonly deviceId: DeviceId | null;
  /** From this device's point of view: to others in its own networks. */
  readonly fromId: DeviceId | null;
}

/** A part of a network's devices, in the order of their ids, or one of them. */
export interface RoutePage {
  readonly deviceId: DeviceId | null;
  readonly after: DeviceId | null;
  readonly limit: number;
}

/** Who can be reached, over which path, since when, and why not. */
export interface RouteService {
  /**
   * Routes to the devices that the account sees, a page of devices at a time; one device may have several, by network. Refuses with
   * `network_not_found`, `device_not_found`.
   */
  list(
    actor: Actor,
    filter: RouteFilter,
    after: ListPosition<DeviceId> | null,
    limit: number,
  ): Promise<Page<Route, ListPosition<DeviceId>>>;
  /** What a device of this network can reach there. Refuses with `device_not_found` an unknown device, and a stranger's. */
  query(
    device: DeviceActor,
    networkId: NetworkId,
    page: RoutePage,
  ): Promise<{ readonly items: readonly SealedRoute[]; readonly isMore: boolean }>;
  /** Changes from now on, as `TopologyService.follow` gives them. */
  follow(actor: Actor, networkId: NetworkId, signal: AbortSignal): Promise<AsyncIterable<Route>>;
}

/** What the service needs. */
export interface RouteDependencies {
  readonly devices: Pick<DeviceService, 'getDevice' | 'listDevices'>;
  /** The devices of a network, with their owners. */
  readonly directory: {
    page(
      networkId: NetworkId,
      page: RoutePage,
    ): Promise<
      readonly {
        readonly deviceId: DeviceId;
        readonly tenantId: TenantId;
        readonly sealKey: string | null;
      }[]
    >;
  };
  readonly links: {
    linksOf(deviceId: DeviceId): readonly { readonly sinceMs: number; readonly heardAtMs: number | null }[];
  };
  readonly permissions: {
    isConnected(networkId: NetworkId, sourceId: DeviceId, targetId: DeviceId): Promise<boolean>;
  };
  readonly paths: {
    /** The direct path between two devices; null: there is none. */
    direct(
      networkId: NetworkId,
      oneId: DeviceId,
      otherId: DeviceId,
    ): { readonly roundTripMs: number | null } | null;
    /** From the server to a device and back; null: not measured. */
    roundTripMs(networkId: NetworkId, deviceId: DeviceId): number | null;
  };
  readonly topology: Pick<TopologyService, 'follow'>;
}

/** Builds the service. */
export function createRouteService(dependencies: RouteDependencies): RouteService {
  const { devices, directory, topology } = dependencies;

  const routeTo = createLookup(dependencies);

  return {
    async list(actor, { networkId, deviceId, fromId }, after, limit) {
      const account = requirePermission(actor, 'devices.read');
      const from = fromId === null ? null : await devices.getDevice(account, fromId);
      const shown = (of: Device) =>
        of.networkIds.filter(
          (id) => (networkId === null || id === networkId) && (from === null || from.networkIds.includes(id)),
        );
      const routesTo = (device: Device) => {
        if (device.id === fromId) return [];
        const to = { deviceId: device.id, isOwn: !device.guest };
        return shown(device).map((id) => routeTo(id, to, fromId));
      };
      if (deviceId !== null) {
        const items = await Promise.all(routesTo(await devices.getDevice(account, deviceId)));
        return { items, next: null };
      }
      const page = await devices.listDevices(account, {
        networkId,
        worldType: null,
        assignedId: null,
        status: null,
        after,
        limit,
      });
      return { items: await Promise.all(page.items.flatMap(routesTo)), next: page.next };
    },

    async query(device, networkId, page) {
      const found = await directory.page(networkId, { ...page, limit: page.limit + 1 });
      const others = found.slice(0, page.limit).filter(({ deviceId }) => deviceId !== device.deviceId);
      if (page.deviceId !== null && others.length === 0) throw notFound('device');
      const items = await Promise.all(
        others.map(async ({ deviceId, tenantId, sealKey }) => {
          const to = { deviceId, isOwn: tenantId === device.tenantId };
          return { ...(await routeTo(networkId, to, device.deviceId)), sealKey };
        }),
      );
      return { items, isMore: found.length > page.limit };
    },

    async follow(actor, networkId, signal) {
      const changes = await topology.follow(actor, networkId, signal);
      return mapped(changes, ({ deviceId, health, links }) =>
        routeOf(
          networkId,
          { deviceId, isOwn: links.length > 0 || health === 'offline' },
          health === 'offline' ? [] : links.length > 0 ? links : [UNKNOWN_LINK],
          true,
        ),
      );
    },
  };
}

/** Looks up the way to a device. */
function createLookup({ links, permissions, paths }: RouteDependencies) {
  return async (
    networkId: NetworkId,
    device: { readonly deviceId: DeviceId; readonly isOwn: boolean },
    fromId: DeviceId | null,
  ): Promise<Route> => {
    const { deviceId } = device;
    const isAllowed = fromId === null || (await permissions.isConnected(networkId, fromId, deviceId));
    const route = routeOf(networkId, device, links.linksOf(deviceId), isAllowed);
    if (route.path === null) return route;
    const direct = fromId === null ? null : paths.direct(networkId, fromId, deviceId);
    if (direct !== null) return { ...route, path: 'direct', roundTripMs: direct.roundTripMs };
    if (!device.isOwn) return route;
    const legs = fromId === null ? [deviceId] : [fromId, deviceId];
    const trips = legs.map((id) => paths.roundTripMs(networkId, id));
    return {
      ...route,
      roundTripMs: trips.reduce((sum, ms) => (sum === null || ms === null ? null : sum + ms), 0),
    };
  };
}

/** A guest is connected: more isn't told. */
const UNKNOWN_LINK = { sinceMs: 0, heardAtMs: null } as const;

/** Of a guest only whether it can be reached. */
function routeOf(
  networkId: NetworkId,
  { deviceId, isOwn }: { readonly deviceId: DeviceId; readonly isOwn: boolean },
  links: readonly { readonly sinceMs: number; readonly heardAtMs: number | null }[],
  isAllowed: boolean,
): Route {
  const [oldest] = links;
  const reason: RouteReason | null = !isAllowed
    ? 'connection_required'
    : oldest === undefined
      ? 'device_offline'
      : null;
  const heard = links.map(({ heardAtMs }) => heardAtMs).filter((atMs) => atMs !== null);
  return {
    networkId,
    deviceId,
    path: reason === null ? 'relay' : null,
    reason,
    sinceMs: isOwn ? (oldest?.sinceMs ?? null) : null,
    heardAtMs: isOwn && heard.length > 0 ? Math.max(...heard) : null,
    roundTripMs: null,
  };
}

async function* mapped(
  changes: AsyncIterable<TopologyChange>,
  toRoute: (change: TopologyChange) => Route,
): AsyncIterable<Route> {
  for await (const change of changes) yield toRoute(change);
}
