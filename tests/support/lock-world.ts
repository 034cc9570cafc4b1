import { createMembershipStore } from '../../server/domains/devices/index.ts';
import {
  type AskedLock,
  createLockService,
  createLockStore,
  LOCK_LIMITS,
  type LockLimits,
  type LockService,
} from '../../server/domains/locks/index.ts';
import type { AccountActor, Actor } from '../../server/kernel/actor.ts';
import type { Bus } from '../../server/kernel/bus.ts';
import { notFound } from '../../server/kernel/errors.ts';
import { asId, type CredentialId } from '../../server/kernel/ids.ts';
import { createInProcessBus } from '../../server/platform/bus/in-process.ts';
import { createSystemClock } from '../../server/platform/system/clock.ts';
import { createSystemRandom } from '../../server/platform/system/random.ts';
import { addOwner, newOwner } from './actors.ts';
import type { TestDatabase } from './database.ts';
import { silentLogger } from './logger.ts';

const clock = createSystemClock();
const random = createSystemRandom();

/** A bus as one process has it. */
export const newBus = (): Bus => createInProcessBus({ logger: silentLogger });

/** The service of one node. Accounts see no networks or devices: tests of those go through a whole server. */
export function lockNode(
  { database }: TestDatabase,
  bus: Bus = newBus(),
  limits: LockLimits = LOCK_LIMITS,
): LockService {
  const memberships = createMembershipStore(database);
  return createLockService(
    {
      store: createLockStore(database, { random }),
      networks: {
        getNetwork: async () => {
          throw notFound('network');
        },
      },
      devices: {
        getDevice: async () => {
          throw notFound('device');
        },
      },
      deviceNetworks: {
        findNetworks: (deviceId, tenantId) =>
          memberships.findMemberships({
            kind: 'device',
            deviceId,
            tenantId,
            credentialId: asId<CredentialId>(random.uuid()),
          }),
      },
      bus,
      clock,
      random,
      metrics: { batchWritten: () => {}, lost: () => {} },
    },
    limits,
  );
}

/** An owner of a tenant of its own that the database knows. */
export async function lockOwner({ database }: TestDatabase): Promise<AccountActor> {
  const owner = newOwner();
  await addOwner(database, owner);
  return owner;
}

/** A lock of the tenant, with what differs from the usual. */
export const asked = (name: string, changes: Partial<AskedLock> = {}): AskedLock => ({
  name,
  networkId: null,
  deviceId: null,
  mode: 'write',
  priority: 5,
  leaseMs: 30_000,
  delayMs: 0,
  waitMs: 20_000,
  holder: null,
  claimId: null,
  ...changes,
});

const NOBODY_LEAVES = new AbortController().signal;

/** Takes a lock, by default with patience. */
export const take = (
  locks: LockService,
  actor: Actor,
  name: string,
  changes: Partial<AskedLock> = {},
  signal: AbortSignal = NOBODY_LEAVES,
) => locks.acquire(actor, asked(name, changes), signal);

/** Resolves once so many wait for the lock. */
export async function untilWaiting(
  locks: LockService,
  actor: Actor,
  name: string,
  waiting: number,
): Promise<void> {
  const deadlineMs = clock.monotonicMs() + 20_000;
  for (;;) {
    const page = await locks.list(actor, { scope: null, name, withIdle: false }, { after: null, limit: 1 });
    if (page.items[0]?.waiting === waiting) return;
    if (clock.monotonicMs() > deadlineMs) throw new Error(`not ${waiting} wait for ${name}`);
  }
}
