import { createLockService, createLockStore, type LockService } from '../../server/domains/locks/index.ts';
import type { AccountActor } from '../../server/kernel/actor.ts';
import { type AccountId, asId, type CredentialId, type TenantId } from '../../server/kernel/ids.ts';
import { createInProcessBus } from '../../server/platform/bus/in-process.ts';
import { type BenchDatabase, openBenchDatabase } from '../processes/database.ts';

const LEASE_MS = 30_000;

/** What runs for how long, with how many callers at a time. */
export interface LocksRun {
  readonly seconds: number;
  readonly callers: number;
}

type Pair = (caller: number) => Promise<void>;

/** The product's locks and PostgreSQL's own, on one embedded database. */
export function createPart() {
  let ours: (name: (caller: number) => string) => Pair = () => () => Promise.reject(new Error('not open'));
  let reference: Pair = ours(String);
  let end = async () => {};
  return {
    open: async ({ connections }: { connections: number }) => {
      const { database, sql, system, close } = await openBenchDatabase(connections);
      const tenantId = asId<TenantId>(system.random.uuid());
      await sql`INSERT INTO yggdrasil.tenants (id) VALUES (${tenantId})`;
      const store = createLockStore(database, system);
      const locks = createLocks(store, system);
      ours = (name) => pairsOf(locks, ownerOf(tenantId), name);
      // Each caller keeps a connection, as these locks are a session's.
      const sessions = await Promise.all(Array.from({ length: connections }, () => sql.reserve()));
      reference = async (caller) => {
        const session = sessions[caller % connections] as (typeof sessions)[number];
        await session`SELECT pg_advisory_lock(${caller})`;
        await session`SELECT pg_advisory_unlock(${caller})`;
      };
      end = async () => {
        for (const session of sessions) session.release();
        await close();
      };
    },
    runOurs: async (run: LocksRun) =>
      sumOf(
        await repeat(
          ours((caller) => `lock ${caller}`),
          run,
        ),
      ) / run.seconds,
    runReference: async (run: LocksRun) => sumOf(await repeat(reference, run)) / run.seconds,
    /** How often each of them got the one lock. */
    runRivals: (run: LocksRun) =>
      repeat(
        ours(() => 'one'),
        run,
      ),
    close: (_: null) => end(),
  };
}

export type LocksPart = ReturnType<typeof createPart>;

const ownerOf = (tenantId: TenantId): AccountActor => ({
  kind: 'account',
  tenantId,
  accountId: asId<AccountId>(tenantId),
  credentialId: asId<CredentialId>(tenantId),
  role: 'owner',
  networkIds: null,
  operator: false,
});

function createLocks(
  store: ReturnType<typeof createLockStore>,
  { logger, ...system }: BenchDatabase['system'],
): LockService {
  const nowhere = () => Promise.reject(new Error('no scope but the tenant'));
  return createLockService({
    store,
    networks: { getNetwork: nowhere },
    devices: { getDevice: nowhere },
    deviceNetworks: { findNetworks: nowhere },
    bus: createInProcessBus({ logger }),
    ...system,
    metrics: { batchWritten: () => {}, lost: () => {} },
  });
}

function pairsOf(locks: LockService, owner: AccountActor, name: (caller: number) => string): Pair {
  const { signal } = new AbortController();
  const usual = { networkId: null, deviceId: null, mode: 'write', priority: 5, holder: null } as const;
  return async (caller) => {
    const asked = { ...usual, name: name(caller), leaseMs: LEASE_MS, delayMs: 0, waitMs: LEASE_MS };
    const claim = await locks.acquire(owner, { ...asked, claimId: null }, signal);
    await locks.release(owner, claim.id);
  };
}

const sumOf = (numbers: readonly number[]): number => numbers.reduce((sum, number) => sum + number, 0);

/** How many pairs each caller made in this time, each waiting for its pair. */
async function repeat(pair: Pair, { seconds, callers }: LocksRun): Promise<number[]> {
  const deadlineMs = performance.now() + seconds * 1000;
  const call = async (caller: number) => {
    let pairs = 0;
    for (; performance.now() < deadlineMs; pairs++) await pair(caller);
    return pairs;
  };
  return Promise.all(Array.from({ length: callers }, (_, caller) => call(caller)));
}
