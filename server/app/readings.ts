import type { Config } from '../config/index.ts';
import { createCommandService } from '../domains/commands/index.ts';
import { createMembershipStore, type MembershipStore } from '../domains/devices/index.ts';
import { createReadingService, createReadingStore } from '../domains/readings/index.ts';
import { createRefusalService, createRefusalStore } from '../domains/refusals/index.ts';
import { createShadowService, createShadowStore, type DeviceOutlets } from '../domains/shadow/index.ts';
import { startReadingJobs } from '../jobs/reading-jobs.ts';
import type { RepeatedJob } from '../jobs/repeat.ts';
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
  const refusals = createRefusalService({ store: createRefusalStore(database), devices, clock, logger });
  const members = createMembershipStore(database);
  const shadows = createShadowService({
    store: createShadowStore(database, members),
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
  return { readings, commands, refusals, shadows };
}

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
  { readings, commands, refusals, shadows }: Readings,
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
    },
    async stop() {
      await jobs?.stop();
      await readings.stop();
      await refusals.stop();
      await shadows.stop();
    },
  };
}
