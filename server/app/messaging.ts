import type { Config } from '../config/index.ts';
import { createRelayService, createRelayStore, type RelayService } from '../domains/relay/index.ts';
import { startRelayJobs } from '../jobs/relay-jobs.ts';
import type { RepeatedJob } from '../jobs/repeat.ts';
import type { Metrics } from '../platform/metrics/types.ts';
import type { Identity } from './identity.ts';
import type { Part } from './lifecycle.ts';
import type { Platform } from './platform.ts';

/** Builds the relay. `identity` says who belongs to a network. */
export function buildMessaging(config: Config, platform: Platform, identity: () => Identity): RelayService {
  const { database, core, clock, random, logger, metrics } = platform;
  const relay: RelayService = createRelayService(
    { retentionMs: config.streamRetentionHours * 3_600_000, streamFramesMax: config.streamFramesMax },
    {
      store: createRelayStore(database),
      core,
      devices: () => identity().devices,
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
  return relay;
}

/** The relay with its jobs: stops when what was accepted is stored. */
export function relayPart(relay: RelayService, { clock, logger }: Platform): Part {
  let jobs: RepeatedJob | null = null;
  return {
    name: 'relay',
    async start() {
      jobs = startRelayJobs({ relay, clock, logger });
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
