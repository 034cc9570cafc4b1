import type { Config } from '../config/index.ts';
import { createCommandService } from '../domains/commands/index.ts';
import { createMembershipStore, type MembershipStore } from '../domains/devices/index.ts';
import { requireLockToken } from '../domains/locks/index.ts';
import { createReadingService, createReadingStore } from '../domains/readings/index.ts';
import { createRefusalService, createRefusalStore } from '../domains/refusals/index.ts';
import { createShadowService, createShadowStore, type DeviceOutlets } from '../domains/shadow/index.ts';
import { createTopologyService } from '../domains/topology/index.ts';
import { startReadingJobs } from '../jobs/reading-jobs.ts';
import type { RepeatedJob } from '../jobs/repeat.ts';
import { asId, type CredentialId } from '../kernel/ids.ts';
import { STATE_COMMAND, stateCommand } from '../transports/frames/state-command.ts';
import { desiredTopic } from '../transports/mqtt/plain-topics.ts';
import type { Identity } from './identity.ts';
import type { Part } from './lifecycle.ts';
import type { Messaging } from './messaging.ts';
import type { Platform } from './platform.ts';

/** What devices measure, what people ask them to do, and what they were refused. */
export type Readings = ReturnType<typeof buildReadings>;

/** Builds the area. */
export function buildReadings(config: Config, platform: Platform, messaging: Messaging, identity: Identity) {
  const { database, clock, random, disk, logger } = platform;
  const { devices, networks } = identity;
  const readings = createReadingService(
    { retentionDays: config.readingsRetentionDays, networkBytesMax: config.readingsBytesMax },
    { store: createReadingStore(database, createMembershipStore(database)), devices, clock, room: disk },
  );
  const commands = createCommandService({ devices, networks, relay: messaging.relay, clock, random });
  const members = createMembershipStore(database);
  const topology = buildTopology(platform, messaging, identity, members);
  const refusals = createRefusalService({
    store: createRefusalStore(database),
    devices,
    clock,
    logger,
    noted: (deviceId) => topology.refused(deviceId),
  });
  const shadows = createShadowService({
    store: createShadowStore(database, members, requireLockToken),
    devices,
    networks,
    outlets: deviceOutlets(platform, messaging, members),
    clock,
    logger,
    room: disk,
  });
  messaging.onPresence(({ deviceId, connectedAtMs }) => {
    if (connectedAtMs !== null) shadows.returned(deviceId);
  });
  messaging.onChanged((deviceId) => shadows.returned(deviceId));
  messaging.onLeft((deviceId, network) => messaging.serverTopics.clear(network, [desiredTopic(deviceId)]));
  return { readings, commands, refusals, shadows, topology };
}

/** How the devices of a network are connected; hears of those that come, go and change. */
function buildTopology(
  { node, clock, logger }: Platform,
  messaging: Messaging,
  { devices, networks }: Identity,
  members: MembershipStore,
) {
  const { connections } = messaging;
  const topology = createTopologyService({
    devices,
    networks,
    links: {
      linksOf: (deviceId) =>
        connections
          .linksOf(deviceId)
          .map(({ kind, ...link }) => ({ transport: kind, nodeId: node.nodeId, ...link })),
      ownerOf: (deviceId) => connections.ownerOf(deviceId),
    },
    deviceNetworks: {
      findNetworks: async (deviceId, tenantId) =>
        (await members.findMemberships({
          kind: 'device',
          deviceId,
          tenantId,
          credentialId: NO_CREDENTIAL,
        })) ?? [],
    },
    clock,
    logger,
  });
  messaging.onPresence(({ deviceId, tenantId, connectedAtMs }) =>
    topology.moved(deviceId, tenantId, connectedAtMs !== null),
  );
  messaging.onChanged((deviceId) => topology.changed(deviceId));
  return topology;
}

/** The device isn't asking: the server looks for it. */
const NO_CREDENTIAL = asId<CredentialId>('00000000-0000-0000-0000-000000000000');

/** The ways to a device by which it is told what is wanted of it. */
function deviceOutlets(
  { random }: Platform,
  { serverTopics, relay, connections }: Messaging,
  members: MembershipStore,
): DeviceOutlets {
  return {
    publish: ({ networkId, tenantId, deviceId }, version, state) =>
      serverTopics.publish(
        { networkId, tenantId },
        desiredTopic(deviceId),
        JSON.stringify({ version, state }),
      ),
    async command({ networkId, tenantId, deviceId }, state) {
      await relay.sendToDevice({ id: random.uuid(), networkId, tenantId, deviceId, ...stateCommand(state) });
    },
    async takesCommands(deviceId) {
      if (!connections.isOnline(deviceId)) return false;
      return (await members.findCapabilities(deviceId))?.commands.includes(STATE_COMMAND) === true;
    },
  };
}

/** Readings with their job: stops when what was said is written. */
export function readingsPart(
  { readings, commands, refusals, shadows, topology }: Readings,
  { node, clock, logger }: Platform,
): Part {
  let jobs: RepeatedJob | null = null;
  return {
    name: 'readings',
    async start() {
      jobs = startReadingJobs({ readings, lease: node, clock, logger });
    },
    stopAccepting() {
      commands.stopWaiting();
      // They would stay for ever.
      readings.stopFollowing();
      topology.stopFollowing();
    },
    async stop() {
      await jobs?.stop();
      await readings.stop();
      await refusals.stop();
      await shadows.stop();
    },
  };
}
