import type { Config } from '../config/index.ts';
import { createMembershipStore, type MembershipStore } from '../domains/devices/index.ts';
import { createGroupStore, GroupBook } from '../domains/groups/index.ts';
import { createPairingStore, PermissionBook } from '../domains/pairings/index.ts';
import {
  createConnectionRegistry,
  createPresenceStore,
  type PresenceChange,
  PresenceLog,
} from '../domains/presence/index.ts';
import {
  createRelayService,
  createRelayStore,
  type NetworkDevice,
  type NetworkEvents,
} from '../domains/relay/index.ts';
import {
  createTopicService,
  createTreeStore,
  type QueueLimits,
  type TreeEvents,
  type TreeOwner,
} from '../domains/topics/index.ts';
import { startRelayJobs } from '../jobs/relay-jobs.ts';
import type { RepeatedJob } from '../jobs/repeat.ts';
import type { DeviceId } from '../kernel/ids.ts';
import { createInProcessBus } from '../platform/bus/in-process.ts';
import type { Metrics } from '../platform/metrics/types.ts';
import { usernameOfClient } from '../platform/mqtt/client-ids.ts';
import { buildForeignBroker, echoTo } from './foreign-broker.ts';
import type { Part } from './lifecycle.ts';
import type { Platform } from './platform.ts';
import { createServerTopics } from './server-topics.ts';

/** Who is connected, and what devices say to each other. */
export type Messaging = ReturnType<typeof buildMessaging>;

/** Builds presence and the relay. */
export function buildMessaging(config: Config, platform: Platform) {
  const { database, node, core, clock, random, logger, metrics } = platform;
  const presenceLog = new PresenceLog(createPresenceStore(database, node));
  /** Who else hears of devices that come and go. */
  const hearers: ((change: PresenceChange) => void)[] = [];
  const log = {
    note(change: PresenceChange) {
      presenceLog.note(change);
      for (const hear of hearers) hear(change);
    },
  };
  const connections = createConnectionRegistry({ log, clock });
  const pairingStore = createPairingStore(database);
  const permissions = new PermissionBook(pairingStore, clock);
  const groupStore = createGroupStore(database);
  const groups = new GroupBook(groupStore);
  const known = withoutSuspended(createMembershipStore(database), platform);
  const memberships = withReceivers(known, permissions, groups);
  const sessions: SessionHearer[] = [];
  const removals: RemovalHearer[] = [];
  const bus = createInProcessBus({ logger });
  const relay = createRelayService(
    { retentionMs: config.streamRetentionHours * 3_600_000, streamFramesMax: config.streamFramesMax },
    {
      store: createRelayStore(
        database,
        { streamBytesMax: config.streamBytesMax, tenantBytesMax: config.tenantStreamBytesMax },
        { lease: node, memberships, groups: groupStore },
      ),
      memberships,
      core,
      bus,
      clock,
      random,
      logger,
      metrics: relayMetrics(metrics),
      room: platform.disk,
      events: networkEvents(permissions, groups, { sessions, removals }),
    },
  );
  measureConnections(metrics, relay, connections);
  const { events, ...treeNews } = newsOfTrees();
  const foreignBroker = buildForeignBroker(config, platform);
  const treeStore = createTreeStore(database);
  const limits = queueLimitsOf(config);
  const topics = createTopicService({ store: treeStore, clock, logger, events, limits, deviceOf });
  const onPresence = (hear: (change: PresenceChange) => void) => void hearers.push(hear);
  return {
    bus,
    relay,
    connections,
    memberships,
    presenceLog,
    topics,
    foreignBroker,
    serverTopics: createServerTopics(topics, echoTo(foreignBroker)),
    pairingStore,
    permissions,
    groupStore,
    groups,
    /** Calls `hear` when a device can be told something in a network. */
    onSession: (hear: SessionHearer) => void sessions.push(hear),
    onPresence,
    ...treeNews,
    /** Calls `hear` when frames were removed that their destinations never had. */
    onRemoved: (hear: RemovalHearer) => void removals.push(hear),
    ...deviceNews(),
  };
}

/** Who hears of what happens in trees. */
function newsOfTrees() {
  const wills: WillHearer[] = [];
  const droppings: DroppingHearer[] = [];
  const events: TreeEvents = {
    willSaid(owner, will) {
      for (const hear of wills) hear(owner, will);
    },
    dropped(owner, message) {
      for (const hear of droppings) hear(owner, message);
    },
  };
  return {
    events,
    /** Calls `hear` when a plain client's will was published. */
    onWill: (hear: WillHearer) => void wills.push(hear),
    /** Calls `hear` when a message for a plain client was dropped. */
    onDropped: (hear: DroppingHearer) => void droppings.push(hear),
  };
}

/** Who hears of devices that change, and of those that leave a network. */
function deviceNews() {
  const changes: ((deviceId: DeviceId) => void)[] = [];
  const departures: DepartureHearer[] = [];
  return {
    /** Calls `hear` when a device has joined a network, has another name, or says that it can do something else. */
    onChanged: (hear: (deviceId: DeviceId) => void) => void changes.push(hear),
    changed(deviceId: DeviceId) {
      for (const hear of changes) hear(deviceId);
    },
    /** Calls `hear` when a device has left a network, and waits for it. */
    onLeft: (hear: DepartureHearer) => void departures.push(hear),
    /** A device has left a network. */
    async left(deviceId: DeviceId, network: TreeOwner) {
      for (const hear of departures) await hear(deviceId, network);
    },
  };
}

function measureConnections(
  metrics: Metrics,
  relay: { readonly sessionCount: number },
  connections: { readonly count: number },
): void {
  metrics.measuredGauge(
    { name: 'yggdrasil_relay_sessions', help: 'Connected devices.' },
    () => relay.sessionCount,
  );
  metrics.measuredGauge(
    { name: 'yggdrasil_connections', help: 'Open connections: WebSocket, MQTT and running HTTP streams.' },
    () => connections.count,
  );
}

/** Who is told that a device can be told something in a network. */
type SessionHearer = (device: NetworkDevice) => void;

/** Who is told of a will, and of whose network. */
type WillHearer = TreeEvents['willSaid'];

/** Who is told of dropped messages, and of whose network. */
type DroppingHearer = TreeEvents['dropped'];

/** Who is told of frames that were removed. */
type RemovalHearer = NetworkEvents['removed'];

/** What the relay tells of devices in their networks. */
function networkEvents(
  permissions: PermissionBook,
  groups: GroupBook,
  hearers: { readonly sessions: readonly SessionHearer[]; readonly removals: readonly RemovalHearer[] },
): NetworkEvents {
  return {
    joined: async ({ networkId }) => void (await permissions.reload(networkId)),
    left({ networkId, deviceId }) {
      permissions.peek(networkId)?.forget(deviceId);
      groups.peek(networkId)?.forget(deviceId);
    },
    sessionBegan(device) {
      for (const hear of hearers.sessions) hear(device);
    },
    removed(frames) {
      for (const hear of hearers.removals) hear(frames);
    },
  };
}

/** Who is told that a device has left a network. */
type DepartureHearer = (deviceId: DeviceId, network: TreeOwner) => Promise<void>;

/** Networks of tenants that are suspended are nobody's. */
function withoutSuspended(memberships: MembershipStore, { suspended }: Platform): MembershipStore {
  return {
    ...memberships,
    async findMemberships(actor) {
      const found = await memberships.findMemberships(actor);
      return found?.filter(({ networkTenantId }) => !suspended.has(networkTenantId)) ?? null;
    },
  };
}

/** Each membership with what may be sent in its network, and to which groups. */
function withReceivers(
  memberships: MembershipStore,
  permissions: PermissionBook,
  groups: GroupBook,
): MembershipStore {
  return {
    ...memberships,
    async findMemberships(actor) {
      const found = await memberships.findMemberships(actor);
      if (found === null) return null;
      return Promise.all(
        found.map(async (membership) => {
          const { networkId, networkTenantId, joinedAtMs } = membership;
          const [sendRules, ofNetwork] = await Promise.all([
            permissions.load(networkId),
            groups.load(networkId),
          ]);
          // Named one by one: a copy of all would take three times the memory, for each device.
          return { networkId, networkTenantId, joinedAtMs, sendRules, groups: ofNetwork };
        }),
      );
    },
  };
}

/** The relay with its jobs: stops when what was accepted is stored. */
export function relayPart({ relay, presenceLog }: Messaging, { node, clock, logger }: Platform): Part {
  let jobs: RepeatedJob | null = null;
  return {
    name: 'relay',
    async start() {
      jobs = startRelayJobs({ relay, presenceLog, lease: node, clock, logger });
    },
    async stop() {
      await jobs?.stop();
      await relay.stop();
    },
  };
}

/** The device that a client of MQTT signed in as. */
const deviceOf = (knownId: string): string => usernameOfClient(knownId)?.split('@')[0] ?? knownId;

/** What may wait for clients of MQTT. */
const queueLimitsOf = (config: Config): QueueLimits => ({
  sessionMessagesMax: config.mqttSessionMessagesMax,
  sessionBytesMax: config.mqttSessionBytesMax,
  deviceBytesMax: config.mqttDeviceBytesMax,
  networkBytesMax: config.mqttNetworkBytesMax,
  tenantBytesMax: config.mqttTenantBytesMax,
});

/** The trees of topics: stops when what was kept in memory is written. */
export function topicsPart({ topics }: Messaging): Part {
  return { name: 'topics', start: async () => undefined, stop: () => topics.stop() };
}

function relayMetrics(metrics: Metrics) {
  const forwarded = metrics.counter({
    name: 'yggdrasil_relay_frames_total',
    help: 'Frames forwarded.',
    labels: ['delivery'],
  });
  const dropped = metrics.counter({
    name: 'yggdrasil_relay_frames_dropped_total',
    help: 'Frames that were not delivered to a connected device.',
    labels: ['reason'],
  });
  const batches = metrics.histogram({
    name: 'yggdrasil_relay_batch_frames',
    help: 'Frames stored in one transaction.',
    labels: [],
    buckets: [1, 5, 10, 50, 100, 500],
  });
  return {
    frameForwarded: (delivery: 'transient' | 'stored') => forwarded.add({ delivery }),
    frameDropped: (reason: 'slow_consumer') => dropped.add({ reason }),
    batchStored: (frames: number) => batches.observe({}, frames),
  };
}
