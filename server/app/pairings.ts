import { identifyDevice, pageDevicesOf } from '../domains/devices/index.ts';
import { createGroupService } from '../domains/groups/index.ts';
import {
  ASKS_INTERVAL_MS,
  ASKS_MAX,
  type AskingIdentity,
  COUNTED_MAX,
  createPairingService,
  DISTURBANCES_INTERVAL_MS,
  DISTURBANCES_MAX,
} from '../domains/pairings/index.ts';
import { createPathService, createPathStore, type PathService } from '../domains/paths/index.ts';
import { createRouteService } from '../domains/routes/index.ts';
import { findTenantName } from '../domains/tenants/index.ts';
import { createTopicRightsService, createTopicRightsStore } from '../domains/topic-rights/index.ts';
import { startPairingJobs } from '../jobs/pairing-jobs.ts';
import type { RepeatedJob } from '../jobs/repeat.ts';
import type { DeviceId } from '../kernel/ids.ts';
import { createClientLimiter } from '../platform/client-limiter/index.ts';
import { createPairingOutlet } from '../transports/frames/connection-frames.ts';
import { createPathOutlet } from '../transports/frames/path-frames.ts';
import type { Identity } from './identity.ts';
import type { Part } from './lifecycle.ts';
import type { Messaging } from './messaging.ts';
import type { Platform } from './platform.ts';
import type { Readings } from './readings.ts';

/** Connections between devices, the ways to them, and groups. */
export type Pairings = ReturnType<typeof buildPairings>;

/** Builds the area. */
export function buildPairings(
  platform: Platform,
  messaging: Messaging,
  identity: Identity,
  { topology }: Readings,
) {
  const {
    relay,
    connections,
    pairingStore,
    permissions,
    groupStore,
    groups: groupBook,
    onSession,
  } = messaging;
  const { devices, networks } = identity;
  const { clock, random, logger } = platform;
  const paths = buildPaths(platform, messaging, identity);
  const direct: PathService['find'] = (...pair) => paths.find(...pair);
  const limiter = (countMax: number, intervalMs: number) =>
    createClientLimiter({ countMax, intervalMs, clientsMax: COUNTED_MAX }, { clock });
  const pairings = createPairingService(permissions, {
    store: pairingStore,
    devices,
    networks,
    identities: { identify: (deviceId) => identify(platform, deviceId) },
    outlet: createPairingOutlet(relay, clock),
    presence: {
      heardAtMs: (deviceId) => connections.heardAtMs(deviceId),
      roundTripMs: (networkId, deviceId) => relay.roundTripMs({ networkId, deviceId }),
      direct,
    },
    asks: limiter(ASKS_MAX, ASKS_INTERVAL_MS),
    disturbances: limiter(DISTURBANCES_MAX, DISTURBANCES_INTERVAL_MS),
    clock,
    random,
    logger,
  });
  onSession(({ deviceId, networkId }) => pairings.sessionBegan(deviceId, networkId));
  const routing = createRouteService({
    devices,
    directory: { page: (networkId, page) => pageDevicesOf(platform.database, networkId, page) },
    links: connections,
    permissions: {
      isConnected: async (networkId, sourceId, targetId) =>
        (await permissions.load(networkId)).isConnected(sourceId, targetId),
    },
    paths: { direct, roundTripMs: (networkId, deviceId) => relay.roundTripMs({ networkId, deviceId }) },
    topology,
  });
  const groups = createGroupService(groupBook, {
    store: groupStore,
    networks,
    streams: relay,
    clock,
    random,
  });
  const topicRights = createTopicRightsService({
    store: createTopicRightsStore(platform.database),
    networks,
    clock,
  });
  return { pairings, paths, routing, groups, topicRights };
}

function buildPaths(
  { database, clock, random, logger }: Platform,
  { relay, permissions, onSession, onPresence, onLeft }: Messaging,
  { devices, networks }: Identity,
): PathService {
  const paths = createPathService({
    store: createPathStore(database),
    devices,
    networks,
    outlet: createPathOutlet(relay),
    members: {
      tenantOf: async (networkId, deviceId) => {
        const [found] = await pageDevicesOf(database, networkId, { deviceId, after: null, limit: 1 });
        return found?.tenantId ?? null;
      },
    },
    permissions: {
      isUnlimited: async (networkId, sourceId, targetId) =>
        (await permissions.load(networkId)).isUnlimited(sourceId, targetId),
      isUnlimitedNow: (networkId, sourceId, targetId) =>
        permissions.peek(networkId)?.isUnlimited(sourceId, targetId) ?? false,
    },
    presence: { roundTripMs: (networkId, deviceId) => relay.roundTripMs({ networkId, deviceId }) },
    clock,
    random,
    logger,
  });
  permissions.onChanged((networkId) => paths.permissionsChanged(networkId));
  onSession(({ deviceId, networkId }) => paths.sessionChanged(deviceId, networkId));
  onPresence(({ deviceId, connectedAtMs }) => {
    if (connectedAtMs === null) paths.sessionChanged(deviceId, null);
  });
  onLeft(async (deviceId, { networkId }) => paths.sessionChanged(deviceId, networkId));
  return paths;
}

async function identify({ database, core }: Platform, deviceId: DeviceId): Promise<AskingIdentity | null> {
  const device = await identifyDevice(database, deviceId);
  if (device === null) return null;
  const { name, kind, tenantId, sessionKey } = device;
  const owner = (await findTenantName(database, tenantId)) ?? '';
  return {
    deviceId,
    name,
    kind,
    owner,
    keyFingerprint: sessionKey === null ? null : core.sha256(sessionKey),
  };
}

/** Connections with their job, which ends questions that nobody answers. */
export function pairingsPart({ pairings }: Pairings, { node, clock, logger }: Platform): Part {
  let jobs: RepeatedJob | null = null;
  return {
    name: 'pairings',
    async start() {
      jobs = startPairingJobs({ pairings, lease: node, clock, logger });
    },
    async stop() {
      await jobs?.stop();
    },
  };
}
