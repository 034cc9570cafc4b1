import type { Actor } from '../../kernel/actor.ts';
import type { Clock } from '../../kernel/clock.ts';
import { InvariantError } from '../../kernel/errors.ts';
import type { TenantId } from '../../kernel/ids.ts';
import type { Logger } from '../../kernel/logger.ts';
import { requirePermission } from '../../kernel/permission.ts';
import {
  payoutMissing,
  tokenizerImplausible,
  tokenizerLately,
  tokenizerNotFound,
  tokenizersBusy,
  tokenizerTooSlow,
  tokenizerUnreadable,
  tooManyTokenizers,
} from './errors.ts';
import { EXAMINATION_INTERVAL_MS, EXAMINATIONS_WAITING_MAX, SAMPLE } from './limits.ts';
import { pack, unpack } from './packing.ts';
import type { SampleCounter, SellingOwners, TokenizerReader, TokenizerStore } from './ports.ts';
import { isPlausible } from './rules.ts';
import type { BroughtTokenizer, TokenizerDifference, TokenizerHash, TokenizerInUse } from './types.ts';

/** What the tokenizers' service needs. */
export interface TokenizerDependencies {
  readonly store: TokenizerStore;
  readonly owners: SellingOwners;
  readonly reader: TokenizerReader;
  readonly usual: SampleCounter;
  readonly clock: Pick<Clock, 'nowMs' | 'monotonicMs'>;
  readonly logger: Logger;
}

/** The tokenizers of models that are sold. */
export interface TokenizerService {
  /** Reads which tokenizers are in use: until then o200k_base counts. */
  start(): Promise<void>;
  /**
   * An owner brings the tokenizer.json of a model that it sells, packed by gzip or not. Refuses with `provider_not_found`,
   * `model_not_found`, `payout_method_missing`, `rate_limited`, `tokenizer_too_large`, `tokenizer_unreadable`, `tokenizer_too_slow`,
   * `tokenizer_implausible` and `limit_reached`.
   */
  bring(actor: Actor, providerId: string, model: string, bytes: Uint8Array): Promise<BroughtTokenizer>;
  /** What the actor's tenant has brought, by model. */
  list(actor: Actor): Promise<readonly BroughtTokenizer[]>;
  /** For operators: models for which owners have brought different files, `limit` behind `after`. */
  differences(actor: Actor, after: string | null, limit: number): Promise<readonly TokenizerDifference[]>;
  /** For operators: this one counts for the model, whatever others bring. Refuses with `tokenizer_not_found`. */
  decide(actor: Actor, model: string, hash: TokenizerHash): Promise<TokenizerInUse>;
  /** The one that counts for a model; null: there is none. */
  tokenizerOf(model: string): TokenizerHash | null;
  /** Tokens of each portion. Rejects where it can't count. */
  countTokens(hash: TokenizerHash, portions: readonly (readonly string[])[]): Promise<readonly number[]>;
}

/** Makes the tokenizers' service. */
export function createTokenizerService(dependencies: TokenizerDependencies): TokenizerService {
  const { store, owners, reader, clock, logger } = dependencies;
  const inUse = new Map<string, TokenizerHash>();
  const examining = createExamining(dependencies);
  const noteInUse = ({ model, hash, rule }: TokenizerInUse) => {
    if (inUse.get(model) === hash) return;
    inUse.set(model, hash);
    logger.info({ operation: 'marketplace.tokenizers', model, hash, rule }, 'a tokenizer counts for a model');
  };

  return {
    async start() {
      for (const one of await store.inUse()) noteInUse(one);
    },
    async bring(actor, providerId, model, bytes) {
      const owner = requirePermission(actor, 'market.sell');
      const { tenantId } = owner;
      await owners.requireSold(owner, providerId, model);
      if (!(await owners.canBePaid(tenantId))) throw payoutMissing();
      const { hash, packed } = await examining.inTurn(tenantId, bytes);
      const brought = await store.bring({ tenantId, model, hash, packed }, clock.nowMs());
      if (brought === 'full') throw tooManyTokenizers();
      noteInUse(brought.inUse);
      const isInUse = brought.inUse.hash === hash;
      if (!isInUse) {
        const fields = { operation: 'marketplace.tokenizers.bring', model, hash, inUse: brought.inUse.hash };
        logger.warn(fields, 'owners have brought different tokenizers for a model');
      }
      return { model, hash, isInUse, broughtAtMs: brought.broughtAtMs };
    },
    async list(actor) {
      const brought = await store.list(requirePermission(actor, 'market.sell'));
      return brought.map((one) => ({ ...one, isInUse: inUse.get(one.model) === one.hash }));
    },
    differences(actor, after, limit) {
      requirePermission(actor, 'platform.operate');
      return store.differences(after, limit);
    },
    async decide(actor, model, hash) {
      const { accountId } = requirePermission(actor, 'platform.operate');
      const decided = await store.decide(model, hash, accountId, clock.nowMs());
      if (decided === null) throw tokenizerNotFound();
      noteInUse(decided);
      return decided;
    },
    tokenizerOf: (model) => inUse.get(model) ?? null,
    countTokens: (hash, portions) =>
      reader.countTokens(hash, portions, async () => {
        const packed = await store.read(hash);
        if (packed === null) throw new InvariantError('a tokenizer that is in use is not kept');
        return (await unpack(packed)).content;
      }),
  };
}

/** Looks at files that are brought, one of a tenant at a time and not too often. */
function createExamining({ store, reader, usual, clock }: TokenizerDependencies) {
  /** When a file of each tenant was looked at last. */
  const lastMs = new Map<TenantId, number>();
  const running = new Set<TenantId>();
  const forgetOld = (nowMs: number) => {
    for (const [tenantId, atMs] of lastMs) {
      if (nowMs - atMs < EXAMINATION_INTERVAL_MS) break;
      lastMs.delete(tenantId);
    }
  };
  const examine = async (tenantId: TenantId, content: Uint8Array): Promise<void> => {
    const examined = await reader.examine(content, SAMPLE);
    if (examined.kind === 'unreadable') throw tokenizerUnreadable();
    if (examined.kind === 'slow') throw tokenizerTooSlow();
    if (!isPlausible(examined.sampleTokens, await usual.countText(tenantId, SAMPLE)))
      throw tokenizerImplausible();
  };
  return {
    async inTurn(tenantId: TenantId, bytes: Uint8Array) {
      const nowMs = clock.monotonicMs();
      forgetOld(nowMs);
      const atMs = lastMs.get(tenantId);
      if (atMs !== undefined)
        throw tokenizerLately(Math.ceil((EXAMINATION_INTERVAL_MS - nowMs + atMs) / 1000));
      if (running.has(tenantId)) throw tokenizerLately(EXAMINATION_INTERVAL_MS / 1000);
      // Each that waits has a file in memory.
      if (running.size >= EXAMINATIONS_WAITING_MAX) throw tokenizersBusy();
      lastMs.set(tenantId, nowMs);
      running.add(tenantId);
      try {
        const { content, hash } = await unpack(bytes);
        // Whoever brings what others have brought is told nothing new about it.
        if (!(await store.isKept(hash))) await examine(tenantId, content);
        return { hash, packed: await pack(content) };
      } finally {
        running.delete(tenantId);
      }
    },
  };
}
