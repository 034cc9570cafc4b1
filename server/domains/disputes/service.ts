import type { AccountActor, Actor } from '../../kernel/actor.ts';
import type { Clock } from '../../kernel/clock.ts';
import { notFound } from '../../kernel/errors.ts';
import { asId, type DisputeId, type TransactionId } from '../../kernel/ids.ts';
import type { Logger } from '../../kernel/logger.ts';
import { byCreation, type ListPosition, type Page, pageOf } from '../../kernel/page.ts';
import { requirePermission } from '../../kernel/permission.ts';
import type { Random } from '../../kernel/random.ts';
import type { SecretBox } from '../../kernel/secret-box.ts';
import type { LedgerService } from '../ledger/index.ts';
import { refusalError } from '../ledger/index.ts';
import { disputeDecided, earningsReleased } from './errors.ts';
import { DISPUTES_PAGE_MAX, DUE_PAGE } from './limits.ts';
import { createDisputeNotices, type DisputeNotices } from './notices.ts';
import type { DisputeHistory, DisputeMail, DisputeQuery, DisputeStore, SideQuery } from './ports.ts';
import { refundUnit } from './refund-unit.ts';
import { endByRule, refundOf, splitRefund, WITHDRAWN } from './rules.ts';
import type {
  Dispute,
  DisputeEnd,
  DisputeReason,
  DisputeSide,
  Ruling,
  SealedStatement,
  StoredDispute,
} from './types.ts';

/** What the disputes' service needs. */
export interface DisputeDependencies {
  readonly store: DisputeStore;
  readonly ledger: Pick<LedgerService, 'commit'>;
  /** Null: there is no mail server. */
  readonly mail: DisputeMail | null;
  /** Seals what is said. */
  readonly secretBox: SecretBox;
  readonly clock: Pick<Clock, 'nowMs'>;
  readonly random: Pick<Random, 'uuid'>;
  readonly logger: Logger;
}

type DisputePage = Page<Dispute, ListPosition<DisputeId>>;

/** Disputes about transactions, as both of their sides and operators have them. */
export interface DisputeService {
  /**
   * Disputes a transaction of the actor's own, with its first statement. Refuses with `transaction_not_found`, `transaction_unpaid`,
   * `dispute_exists`, `earnings_released` and `limit_reached`.
   */
  open(actor: Actor, transactionId: TransactionId, reason: DisputeReason, text: string): Promise<Dispute>;
  /** One that the actor opened, or that is about what its tenant's providers were paid. Refuses with `dispute_not_found`. */
  get(actor: Actor, id: DisputeId): Promise<Dispute>;
  /** The same, of one side, the newest first, at most 100 a page. */
  list(actor: Actor, side: DisputeSide, query: SideQuery): Promise<DisputePage>;
  /** Says something more. Refuses with `dispute_not_found`, `dispute_decided` and `limit_reached`. */
  say(actor: Actor, id: DisputeId, text: string): Promise<Dispute>;
  /** As owner of a provider: agrees that everything goes back; when all have agreed it does. Refuses as `say`. */
  agree(actor: Actor, id: DisputeId): Promise<Dispute>;
  /** As who opened it: ends it. Refuses as `say`. */
  withdraw(actor: Actor, id: DisputeId): Promise<Dispute>;

  /** For operators: those of all, the oldest first. */
  listAll(actor: Actor, query: DisputeQuery): Promise<DisputePage>;
  /** For operators: ends one. Refuses with `dispute_not_found`, `dispute_decided` and `amount_out_of_range`. */
  decide(actor: Actor, id: DisputeId, ruling: Ruling, reason: string): Promise<Dispute>;

  /** Ends those whose time is over by their rule; returns how many. For a job. */
  decideDue(): Promise<number>;
}

/** Makes the disputes' service. */
export function createDisputeService(dependencies: DisputeDependencies): DisputeService {
  const { store, clock, random, logger, mail } = dependencies;
  const { seal, requireSide, shown, ...reading } = createReading(dependencies);
  const notices = createDisputeNotices(mail);
  const conclude = createConclusion(dependencies, notices);
  return {
    async open(actor, transactionId, reason, text) {
      const requester = requirePermission(actor, 'market.request');
      const id = asId<DisputeId>(random.uuid());
      const statement = seal(requester, 'requester', text);
      await store.open(requester, { id, transactionId, reason, statement }, clock.nowMs());
      logger.info({ operation: 'marketplace.disputes.open', transactionId }, 'a transaction is disputed');
      const opened = await store.find(id);
      if (opened !== null) notices.opened(opened);
      return shown(requester, 'requester', id);
    },
    get: async (actor, id) => {
      const reader = requirePermission(actor, 'money.read');
      const { side } = await requireSide(reader, id);
      return shown(reader, side, id);
    },
    list: reading.list,
    async say(actor, id, text) {
      const reader = requirePermission(actor, 'money.read');
      const { dispute, side } = await requireSide(reader, id);
      const speaker = requirePermission(actor, side === 'requester' ? 'market.request' : 'market.sell');
      await store.addStatement(id, seal(speaker, side, text));
      notices.said(dispute, side);
      return shown(speaker, side, id);
    },
    async agree(actor, id) {
      const owner = requirePermission(actor, 'market.sell');
      await requireSide(owner, id, 'provider');
      const agreed = await store.agree(id, owner, clock.nowMs());
      if (agreed.shares.every(({ agreedAtMs }) => agreedAtMs !== null))
        await conclude(agreed, endByRule(agreed));
      return shown(owner, 'provider', id);
    },
    async withdraw(actor, id) {
      const requester = requirePermission(actor, 'market.request');
      const { dispute } = await requireSide(requester, id, 'requester');
      await conclude(dispute, WITHDRAWN);
      return shown(requester, 'requester', id);
    },
    listAll: reading.listAll,
    async decide(actor, id, ruling, reason) {
      const operator = requirePermission(actor, 'platform.operate');
      const dispute = await store.find(id);
      if (dispute === null) throw notFound('dispute');
      const refundedMicrocents = refundOf(ruling, dispute);
      const { accountId: decidedBy } = operator;
      await conclude(dispute, { refundedMicrocents, keepsFee: false, rule: 'operator', reason, decidedBy });
      return shown(operator, 'operator', id);
    },
    async decideDue() {
      const due = await store.findDue(clock.nowMs(), DUE_PAGE);
      let ended = 0;
      for (const dispute of due) {
        try {
          await conclude(dispute, endByRule(dispute));
          ended++;
        } catch (error) {
          const fields = { operation: 'marketplace.disputes.decideDue', disputeId: dispute.id, error };
          logger.warn(fields, 'a dispute could not be ended by its rule; it is tried again');
        }
      }
      return ended;
    },
  };
}

/** Ends a dispute: by the ledger where something goes back. */
function createConclusion(
  { store, ledger, clock }: Pick<DisputeDependencies, 'store' | 'ledger' | 'clock'>,
  notices: DisputeNotices,
): (dispute: StoredDispute, end: DisputeEnd) => Promise<void> {
  return async (dispute, end) => {
    if (dispute.state !== 'open') throw disputeDecided();
    if (end.refundedMicrocents === 0n) {
      await store.refuse(dispute, end, clock.nowMs());
      notices.ended(dispute, end);
      return;
    }
    const outcome = await ledger.commit(refundUnit(dispute, end, clock.nowMs()));
    if (outcome.ok) {
      notices.ended(dispute, end);
      return;
    }
    // Another decision under the same id came first.
    if (outcome.reason === 'dispute_decided' || outcome.reason === 'idempotency_key_reused')
      throw disputeDecided();
    if (outcome.reason === 'earnings_released') throw earningsReleased();
    throw refusalError(outcome.reason);
  };
}

/** Seals what is said, and reads it. */
function createWords({
  secretBox,
  clock,
  random,
}: Pick<DisputeDependencies, 'secretBox' | 'clock' | 'random'>) {
  const contextOf = (statementId: string) => `marketplace_dispute_statements|words|${statementId}`;
  const seal = ({ tenantId }: AccountActor, side: DisputeSide, text: string): SealedStatement => {
    const id = random.uuid();
    const words = secretBox.seal(new TextEncoder().encode(text), contextOf(id));
    return { id, tenantId, side, saidAtMs: clock.nowMs(), words };
  };
  const read = ({ id, side, saidAtMs, words }: SealedStatement) => ({
    side,
    saidAtMs,
    text: new TextDecoder('utf-8', { ignoreBOM: true }).decode(secretBox.open(words, contextOf(id))),
  });
  return { seal, read };
}

/** What each side sees. */
function createReading(dependencies: Pick<DisputeDependencies, 'store' | 'secretBox' | 'clock' | 'random'>) {
  const { store } = dependencies;
  const { seal, read } = createWords(dependencies);
  /** Refuses with `dispute_not_found` who has no side of it, or not this one. */
  const requireSide = async (actor: AccountActor, id: DisputeId, wanted?: DisputeSide) => {
    const dispute = await store.find(id);
    const side = dispute && sideOf(actor, dispute, wanted);
    if (dispute === null || side === null) throw notFound('dispute');
    return { dispute, side };
  };
  /** All of them together: each by itself would take a connection, of which all tenants have ten. */
  const shownOf = async (
    actor: AccountActor,
    side: Dispute['side'],
    disputes: readonly StoredDispute[],
  ): Promise<readonly Dispute[]> => {
    if (disputes.length === 0) return [];
    const historyOf = await store.historiesOf(disputes.map(({ id }) => id));
    return disputes.map((dispute) => withHistory(actor, side, dispute, historyOf(dispute.id)));
  };
  const withHistory = (
    actor: AccountActor,
    side: Dispute['side'],
    dispute: StoredDispute,
    { statements, decisions }: DisputeHistory,
  ): Dispute => {
    const seen = statements.filter(
      (statement) =>
        side !== 'provider' || statement.side === 'requester' || statement.tenantId === actor.tenantId,
    );
    return { ...visiblePart(actor, side, dispute), statements: seen.map(read), decisions };
  };
  const page = async (
    actor: AccountActor,
    side: Dispute['side'],
    found: readonly StoredDispute[],
    limit: number,
  ): Promise<DisputePage> => {
    const { items, next } = pageOf(found, limit, byCreation);
    return { items: await shownOf(actor, side, items), next };
  };
  const bounded = ({ limit }: DisputeQuery) => Math.min(Math.max(limit, 1), DISPUTES_PAGE_MAX);
  return {
    seal,
    requireSide,
    async shown(actor: AccountActor, side: Dispute['side'], id: DisputeId): Promise<Dispute> {
      const dispute = await store.find(id);
      const [shown] = await shownOf(actor, side, dispute === null ? [] : [dispute]);
      if (shown === undefined) throw notFound('dispute');
      return shown;
    },
    async list(actor: Actor, side: DisputeSide, query: SideQuery) {
      const reader = requirePermission(actor, 'money.read');
      const limit = bounded(query);
      return page(reader, side, await store.list(reader, side, { ...query, limit: limit + 1 }), limit);
    },
    async listAll(actor: Actor, query: DisputeQuery) {
      const operator = requirePermission(actor, 'platform.operate');
      const limit = bounded(query);
      return page(operator, 'operator', await store.listAll({ ...query, limit: limit + 1 }), limit);
    },
  };
}

/** Whose side the actor is on; null: on none, or not on the one that is wanted. Who serves himself is first of all who asked. */
function sideOf(
  { tenantId, accountId }: AccountActor,
  { requester, shares }: StoredDispute,
  wanted?: DisputeSide,
): DisputeSide | null {
  const sides: DisputeSide[] = [];
  if (requester.tenantId === tenantId && requester.accountId === accountId) sides.push('requester');
  if (shares.some((share) => share.tenantId === tenantId)) sides.push('provider');
  return sides.find((side) => wanted === undefined || side === wanted) ?? null;
}

function visiblePart(actor: AccountActor, side: Dispute['side'], dispute: StoredDispute) {
  const { id, transactionId, state, reason, model, createdAtMs, decidedByRuleAtMs, decidedAtMs } = dispute;
  const isSeen = ({ tenantId }: { readonly tenantId: string }) =>
    side !== 'provider' || tenantId === actor.tenantId;
  const parts = splitRefund(dispute.shares, dispute.refundedMicrocents, dispute.keepsFee).filter(
    ({ share }) => isSeen(share),
  );
  return {
    id,
    transactionId,
    side,
    state,
    reason,
    model,
    createdAtMs,
    decidedByRuleAtMs,
    decidedAtMs,
    costMicrocents: parts.reduce((sum, { share }) => sum + share.costMicrocents, 0n),
    refundedMicrocents: parts.reduce((sum, part) => sum + part.earningsMicrocents + part.feeMicrocents, 0n),
    providers: parts.map(({ share }) => ({
      providerId: share.providerId,
      costMicrocents: share.costMicrocents,
      hasAgreed: share.agreedAtMs !== null,
    })),
  };
}
