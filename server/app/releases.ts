import type { Config } from '../config/index.ts';
import { noteAll } from '../domains/audit/index.ts';
import { createReleaseService, createReleaseStore } from '../domains/releases/index.ts';
import {
  createRolloutService,
  createRolloutStore,
  type RolloutEndRecorder,
} from '../domains/rollouts/index.ts';
import type { RepeatedJob } from '../jobs/repeat.ts';
import { startRolloutJobs } from '../jobs/rollout-jobs.ts';
import { ed25519 } from '../platform/secrets/index.ts';
import { createUpdateOutlet } from '../transports/frames/update-frames.ts';
import type { Identity } from './identity.ts';
import type { Part } from './lifecycle.ts';
import type { Messaging } from './messaging.ts';
import type { Pairings } from './pairings.ts';
import type { Platform } from './platform.ts';

/** Releases and how they reach devices. */
export type Releases = ReturnType<typeof buildReleases>;

/** The job ends a rollout for nobody: the record says that the server did, and how it ended. */
const recordEnd: RolloutEndRecorder = (sql, { id, tenantId }, state, nowMs) =>
  noteAll(sql, [
    {
      tenantId,
      atMs: nowMs,
      principal: 'service:rollouts',
      operation: 'rollouts.end',
      class: 'change',
      outcome: state,
      objects: [id],
      reason: null,
      leftOut: 0,
    },
  ]);

/** Builds the area. */
export function buildReleases(
  config: Config,
  platform: Platform,
  areas: { readonly messaging: Messaging; readonly identity: Identity; readonly pairings: Pairings },
) {
  const { database, node, clock, random, logger } = platform;
  const { networks, devices } = areas.identity;
  const { relay, connections } = areas.messaging;
  const store = createRolloutStore(database, { lease: node, recordEnd });
  const releases = createReleaseService({
    store: createReleaseStore(database, { tenantBytesMax: config.tenantReleaseBytesMax }, store),
    networks,
    ed25519,
    clock,
    random,
  });
  const rollouts = createRolloutService({
    store,
    releases,
    devices,
    groups: areas.pairings.groups,
    outlet: createUpdateOutlet(relay, connections),
    clock,
    random,
    logger,
  });
  return { releases, rollouts };
}

/** Rollouts with their job: who follows leaves first. */
export function releasesPart({ rollouts }: Releases, { node, clock, logger }: Platform): Part {
  let jobs: RepeatedJob | null = null;
  return {
    name: 'releases',
    async start() {
      jobs = startRolloutJobs({ rollouts, lease: node, clock, logger });
    },
    stopAccepting: () => rollouts.stopFollowing(),
    async stop() {
      await jobs?.stop();
    },
  };
}
