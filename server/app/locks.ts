import { createLockService, createLockStore } from '../domains/locks/index.ts';
import { startLockJobs } from '../jobs/lock-jobs.ts';
import type { RepeatedJob } from '../jobs/repeat.ts';
import { asId, type CredentialId, type DeviceId, type TenantId } from '../kernel/ids.ts';
import type { Identity } from './identity.ts';
import type { Part } from './lifecycle.ts';
import type { Messaging } from './messaging.ts';
import type { Platform } from './platform.ts';

/** Locks on names. */
export type Locks = ReturnType<typeof buildLocks>;

/** Builds the area. */
export function buildLocks(platform: Platform, messaging: Messaging, { networks, devices }: Identity) {
  const { database, clock, random, metrics } = platform;
  const batches = metrics.histogram({
    name: 'yggdrasil_lock_batch_commands',
    help: 'Commands about locks in one transaction.',
    labels: [],
    buckets: [1, 5, 10, 50, 100, 256],
  });
  const lost = metrics.counter({
    name: 'yggdrasil_locks_lost_total',
    help: 'Claims to locks that ended without being given back.',
    labels: ['reason'],
  });
  const locks = createLockService({
    store: createLockStore(database, { random }),
    networks,
    devices,
    deviceNetworks: {
      findNetworks: (deviceId: DeviceId, tenantId: TenantId) =>
        messaging.memberships.findMemberships({
          kind: 'device',
          deviceId,
          tenantId,
          credentialId: NO_CREDENTIAL,
        }),
    },
    bus: messaging.bus,
    clock,
    random,
    metrics: {
      batchWritten: (commands) => batches.observe({}, commands),
      lost: (reason) => lost.add({ reason }),
    },
  });
  messaging.onLeft((deviceId, { networkId }) => locks.left(deviceId, networkId));
  return { locks };
}

/** The device isn't asking: the server looks for it. */
const NO_CREDENTIAL = asId<CredentialId>('00000000-0000-0000-0000-000000000000');

/** Locks with their jobs: who waits leaves first. */
export function locksPart({ locks }: Locks, { node, clock, logger }: Platform): Part {
  let jobs: RepeatedJob | null = null;
  return {
    name: 'locks',
    async start() {
      jobs = startLockJobs({ locks, lease: node, clock, logger });
    },
    stopAccepting: () => locks.stopWaiting(),
    async stop() {
      await jobs?.stop();
      await locks.stop();
    },
  };
}
