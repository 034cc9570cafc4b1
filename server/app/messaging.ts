import type { Config } from '../config/index.ts';
import { createMembershipStore } from '../domains/devices/index.ts';
import { createConnectionRegistry, createPresenceStore, PresenceLog } from '../domains/presence/index.ts';
import { createRelayService, createRelayStore } from '../domains/relay/index.ts';
import { startRelayJobs } from '../jobs/relay-jobs.ts';
import type { RepeatedJob } from '../jobs/repeat.ts';
import { createInProcessBus } from '../platform/bus/in-process.ts';
import type { Metrics } from '../platform/metrics/types.ts';
import type { Part } from './lifecycle.ts';
import type { Platform } from './platform.ts';

/** Who is connected, and what devices say to each other. */
export type Messaging = ReturnType<typeof buildMessaging>;

/** Builds presence and the relay. */
export function buildMessaging(config: Config, platform: Platform) {
  const { database, node, core, clock, random, logger, metrics } = platform;
  const presenceLog = new PresenceLog(createPresenceStore(database, node));
  const connections = createConnectionRegistry({ log: presenceLog, clock });
  const memberships = createMembershipStore(database);
  const relay = createRelayService(
    { retentionMs: config.streamRetentionHours * 3_600_000, streamFramesMax: config.streamFramesMax },
    {
      store: createRelayStore(database, { lease: node, memberships }),
      memberships,
      core,
      bus: createInProcessBus({ logger }),
      clock,
      random,
      logger,
      metrics: relayMetrics(metrics),
    },
  );
  metrics.measuredGauge(
    { name: 'yggdrasil_relay_sessions', help: 'Connected devices.' },
    () => relay.sessionCount,
  );
  metrics.measuredGauge(
    { name: 'yggdrasil_connections', help: 'Open connections: WebSocket, MQTT and running HTTP streams.' },
    () => connections.count,
  );
  return { relay, connections, presenceLog };
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
