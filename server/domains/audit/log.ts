import { type Clock, DAY_MS } from '../../kernel/clock.ts';
import { gather } from '../../kernel/gather.ts';
import type { TenantId } from '../../kernel/ids.ts';
import type { Logger } from '../../kernel/logger.ts';
import { CHAINS_TOGETHER_MAX, HEADS_MAX, RECORDS_MAX, SEAL_DELAY_MS, SEALED_TOGETHER_MAX } from './limits.ts';
import type { AuditStore } from './ports.ts';
import type { SigningKeys } from './signing-keys.ts';
import { type ChainTree, readTree } from './tree.ts';
import type { Chain, SignedHead } from './types.ts';

/** The chains: what is noted gets its place, and heads are signed. */
export interface AuditLog {
  /** Something was noted: it gets its place within a moment. */
  poke(): void;
  /** Resolves when everything that was noted before has its place. */
  seal(): Promise<void>;
  /** A signed head over all records of a tenant; null: it has none. */
  signHead(tenantId: TenantId): Promise<SignedHead | null>;
  /** A chain and the tree over it; null: the tenant has no record. */
  readTree(tenantId: TenantId): Promise<{ readonly chain: Chain; readonly tree: ChainTree } | null>;
  /** Signs the heads of chains that have grown. */
  signHeads(): Promise<void>;
  /** Removes records that need not be kept any more. */
  removeOld(): Promise<void>;
  /** Resolves when what was noted has its place and is signed for. Nothing is sealed by itself afterwards. */
  stop(): Promise<void>;
}

/** What the chains need. */
export interface AuditLogDependencies {
  readonly store: AuditStore;
  /** The keys, once they are loaded. */
  readonly keys: () => SigningKeys;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Resolves when everything is noted that is on its way. */
  readonly flush: () => Promise<void>;
}

/** How many records are kept, and for how long. */
export interface AuditLogOptions {
  readonly retentionDays: number;
  readonly recordsMax?: number;
}

/** Builds the chains. */
export function createAuditLog(options: AuditLogOptions, dependencies: AuditLogDependencies): AuditLog {
  const { store, keys, clock, logger, flush } = dependencies;
  let isStopped = false;
  let cancelSeal: (() => void) | null = null;

  /** Together with everybody who asks at this time. */
  const sealTogether = gather(async (asked: readonly null[]) => {
    while ((await store.seal(SEALED_TOGETHER_MAX)) === SEALED_TOGETHER_MAX);
    return asked.map(() => undefined);
  }, Number.MAX_SAFE_INTEGER);
  const seal = async () => {
    await flush();
    await sealTogether(null);
  };

  const read = async (tenantId: TenantId) => {
    const chain = await store.findChain(tenantId);
    return chain === null ? null : { chain, tree: await readTree(store, chain) };
  };

  async function signNow(tenantId: TenantId): Promise<SignedHead | null> {
    const found = await read(tenantId);
    if (found === null) return null;
    const { size } = found.chain;
    const root = await found.tree.hash(0, size);
    const head = keys().sign({ tenantId, size, root, signedAtMs: clock.nowMs() });
    await store.saveHead(head, found.tree.made);
    return head;
  }

  const log: AuditLog = {
    poke() {
      if (isStopped || cancelSeal !== null) return;
      cancelSeal = clock.after(SEAL_DELAY_MS, () => {
        cancelSeal = null;
        seal().catch((error: unknown) => {
          logger.error({ operation: 'audit.seal', error }, 'records of the audit wait for their place');
        });
      });
    },
    seal,
    async signHead(tenantId) {
      await seal();
      const chain = await store.findChain(tenantId);
      if (chain === null) return null;
      const last = await store.findLastHead(tenantId);
      return last?.size === chain.size ? last : signNow(tenantId);
    },
    readTree: read,
    async signHeads() {
      await seal();
      for (const tenantId of await store.findUnsigned(CHAINS_TOGETHER_MAX)) await signNow(tenantId);
    },
    removeOld: () =>
      removeOld(store, {
        beforeMs: clock.nowMs() - options.retentionDays * DAY_MS,
        recordsMax: options.recordsMax ?? RECORDS_MAX,
        headsMax: HEADS_MAX,
      }),
    async stop() {
      isStopped = true;
      cancelSeal?.();
      await log.signHeads();
    },
  };
  return log;
}

async function removeOld(
  store: Pick<AuditStore, 'listChains' | 'removeOld'>,
  limits: Parameters<AuditStore['removeOld']>[1],
): Promise<void> {
  let chains = await store.listChains(null, CHAINS_TOGETHER_MAX);
  for (let last = chains.at(-1); last !== undefined; last = chains.at(-1)) {
    for (const { tenantId } of chains) await store.removeOld(tenantId, limits);
    chains = await store.listChains(last.tenantId, CHAINS_TOGETHER_MAX);
  }
}
