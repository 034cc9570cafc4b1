import type { Config } from '../config/index.ts';
import { createCommandLogStore, createCommandService } from '../domains/commands/index.ts';
import { createMembershipStore, type MembershipStore } from '../domains/devices/index.ts';
import { createDropService, createDropStore } from '../domains/drops/index.ts';
import { requireLockToken } from '../domains/locks/index.ts';
import { createReadingService, createReadingStore } from '../domains/readings/index.ts';
import { createRefusalService, createRefusalStore } from '../domains/refusals/index.ts';
import { createShadowService, createShadowStore, type DeviceOutlets } from '../domains/shadow/index.ts';
import { createTopologyService } from '../domains/topology/index.ts';
import { startReadingJobs } from '../jobs/reading-jobs.ts';
import type { RepeatedJob } from '../jobs/repeat.ts';
import { asId, type CredentialId, type DeviceId } from '../kernel/ids.ts';
import { usernameOfClient } from '../platform/mqtt/client-ids.ts';
import { codeOfResult } from '../transports/frames/command-result.ts';
import { dropFrame } from '../transports/frames/drop-frame.ts';
import { differenceFrame } from '../transports/frames/shadow-frames.ts';
import { STATE_COMMAND, stateCommand } from '../transports/frames/state-command.ts';
import { dropJson, droppedTopic, isDroppedTopic } from '../transports/mqtt/plain-drops.ts';
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
  const commands = createCommandService({
    devices,
    networks,
    relay: messaging.relay,
    log: createCommandLogStore(database),
    codeOf: codeOfResult,
    clock,
    random,
    logger,
  });
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
  messaging.onSession((device) => shadows.sessionBegan(device));
  messaging.onLeft((deviceId, network) =>
    messaging.serverTopics.clear(network, [
      desiredTopic(deviceId),
      droppedTopic(deviceId, 'sender'),
      droppedTopic(deviceId, 'receiver'),
    ]),
  );
  const drops = buildDrops(platform, messaging, identity, members);
  return { readings, commands, refusals, shadows, topology, drops };
}

/** What never reached its device: trees and the relay say so, and both ends are told. */
function buildDrops(
  { database, clock, random, logger }: Platform,
  messaging: Messaging,
  { devices }: Identity,
  members: MembershipStore,
) {
  const { serverTopics, relay } = messaging;
  const drops = createDropService({
    store: createDropStore(database, members),
    devices,
    outlets: {
      publish: ({ networkId, tenantId, deviceId, end, ...notice }) =>
        serverTopics.notify(
          { networkId, tenantId },
          droppedTopic(deviceId, end),
          JSON.stringify(dropJson(notice)),
        ),
      async send(notice) {
        const { networkId, tenantId, deviceId } = notice;
        await relay.sendToDevice({
          id: random.uuid(),
          networkId,
          tenantId,
          deviceId,
          ...dropFrame(notice),
        });
      },
    },
    clock,
    logger,
  });
  messaging.onDropped(({ networkId, tenantId }, { cause, clientId, publisherId, topic }) => {
    if (isDroppedTopic(topic)) return;
    const ends = [
      ['receiver', clientId],
      ['sender', publisherId],
    ] as const;
    for (const [end, id] of ends) {
      const deviceId = id === null ? null : deviceOfClient(id);
      if (deviceId !== null) drops.note({ networkId, tenantId, deviceId, end, cause, topic });
    }
  });
  messaging.onRemoved((frames) => {
    for (const { networkId, tenantId, frameId, sourceId, destinationId } of frames) {
      const removed = { networkId, tenantId, cause: 'frame_expired', frameId } as const;
      drops.note({ ...removed, deviceId: sourceId, end: 'sender' });
      drops.note({ ...removed, deviceId: destinationId, end: 'receiver' });
    }
  });
  return drops;
}

/** The device that a client of a tree signed in as. */
export function deviceOfClient(knownId: string): DeviceId | null {
  const [deviceId] = usernameOfClient(knownId)?.split('@') ?? [];
  return deviceId === undefined ? null : asId<DeviceId>(deviceId);
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
export const NO_CREDENTIAL = asId<CredentialId>('00000000-0000-0000-0000-000000000000');

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
    tell({ networkId, deviceId }, version, difference) {
      relay.tell(deviceId, { networkId, ...differenceFrame(version, difference) });
    },
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
  { readings, commands, refusals, shadows, topology, drops }: Readings,
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
      await commands.stop();
      await refusals.stop();
      await shadows.stop();
      await drops.stop();
    },
  };
}
