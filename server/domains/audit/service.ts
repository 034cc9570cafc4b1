import { countersignedBytes, proveConsistency, proveInclusion } from '../../../proto/index.ts';
import type { Actor } from '../../kernel/actor.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { Ed25519 } from '../../kernel/ed25519.ts';
import { AppError, notFound } from '../../kernel/errors.ts';
import type { TenantId } from '../../kernel/ids.ts';
import { requirePermission } from '../../kernel/permission.ts';
import type { AuditLog } from './log.ts';
import type { AuditStore, ReceiptStore } from './ports.ts';
import type { AuditRecorder } from './recorder.ts';
import type { SigningKeys } from './signing-keys.ts';
import type { ChainTree } from './tree.ts';
import { type Countersignature, PLATFORM, principalOf, type SealedRecord, type SignedHead } from './types.ts';

/** A head with who has countersigned it. */
export interface WitnessedHead extends SignedHead {
  readonly countersignatures: readonly Countersignature[];
}

/** That a record is in the log. */
export interface RecordProof {
  readonly record: SealedRecord;
  readonly head: SignedHead;
  /** The hashes beside the way from the record to the root (RFC 9162 section 2.1.3). */
  readonly path: readonly Uint8Array[];
}

/** What happened for one side of a request, and that it is in that side's log. */
export interface ReceiptProof extends RecordProof {
  readonly content: string;
  /** The hash that the record follows. */
  readonly follows: Uint8Array;
}

/** That a log is the beginning of a later one. */
export interface ConsistencyProof {
  readonly from: number;
  readonly to: number;
  /** RFC 9162 section 2.1.4. */
  readonly path: readonly Uint8Array[];
}

/** The audit as its tenants, their witnesses and operators see it. */
export interface AuditService {
  /** Records of the actor's tenant before `before` (null: the last ones), the last first. */
  listRecords(actor: Actor, before: number | null, limit: number): Promise<readonly SealedRecord[]>;
  /** Its signed heads before the one of size `before` (null: the last ones, one over all records among them), the last first. */
  listHeads(actor: Actor, before: number | null, limit: number): Promise<readonly WitnessedHead[]>;
  /** The last head, for a witness; null: the tenant has no record. */
  getLastHead(actor: Actor): Promise<SignedHead | null>;
  /** That a record is in the tenant's log. Refuses with `audit_record_not_found` what is gone or never was. */
  proveRecord(actor: Actor, index: number): Promise<RecordProof>;
  /**
   * What one request was, for each side of it that the actor may see: as who asked, as whose provider served it. Refuses with
   * `receipt_not_found` what is another's, unknown, still at work, or older than what is kept.
   */
  proveReceipts(actor: Actor, subjectId: string): Promise<readonly ReceiptProof[]>;
  /**
   * That the log of `from` records is the beginning of the one of `to`. Refuses with `audit_record_not_found` sizes that the
   * log doesn't have, or that are older than what is kept.
   */
  proveContinuation(actor: Actor, from: number, to: number): Promise<ConsistencyProof>;
  /**
   * Keeps what a witness signs of a head. Refuses with `audit_record_not_found` a head that isn't kept, with `invalid_input` a
   * signature that is none, and with `limit_reached` more than a head may have.
   */
  countersign(actor: Actor, given: Pick<Countersignature, 'size' | 'publicKey' | 'signature'>): Promise<void>;
  /**
   * For an operator, in an emergency: the records of a tenant. That they were looked at, by whom and why, stands in the
   * tenant's own log before any is given.
   */
  inspect(
    actor: Actor,
    tenantId: TenantId,
    asked: { readonly reason: string; readonly from: number; readonly limit: number },
  ): Promise<readonly SealedRecord[]>;
  /** For operators: the platform's own records, from `from` on. */
  listPlatformRecords(actor: Actor, from: number, limit: number): Promise<readonly SealedRecord[]>;
}

/** What the service needs. */
export interface AuditServiceDependencies {
  readonly store: AuditStore;
  readonly receipts: ReceiptStore;
  readonly log: AuditLog;
  readonly recorder: Pick<AuditRecorder, 'note'>;
  readonly keys: () => SigningKeys;
  readonly clock: Clock;
  readonly ed25519: Ed25519;
}

const recordNotFound = () => notFound('audit_record');

/** Builds the service. */
export function createAuditService(dependencies: AuditServiceDependencies): AuditService {
  const { store, log, keys } = dependencies;
  /** A tenant reads no keys. */
  const withKey = (head: SignedHead): SignedHead => ({
    ...head,
    publicKey: keys().publicKeyOf(head.keyId) ?? new Uint8Array(),
  });
  const requireTree = async (tenantId: TenantId) => {
    const found = await log.readTree(tenantId);
    if (found === null) throw recordNotFound();
    return found;
  };
  return {
    async listRecords(actor, before, limit) {
      const account = requirePermission(actor, 'audit.read');
      if (before === null) await log.seal();
      return store.listRecordsOf(account, before, limit);
    },
    async listHeads(actor, before, limit) {
      const account = requirePermission(actor, 'audit.read');
      if (before === null) await log.signHead(account.tenantId);
      const heads = await store.listHeadsOf(account, before, limit);
      const all = await store.listCountersignatures(
        account,
        heads.map(({ size }) => size),
      );
      return heads.map((head) => ({
        ...withKey(head),
        countersignatures: all.filter(({ size }) => size === head.size),
      }));
    },
    async getLastHead(actor) {
      const witness = requirePermission(actor, 'audit.witness');
      await log.signHead(witness.tenantId);
      const [head] = await store.listHeadsOf(witness, null, 1);
      return head === undefined ? null : withKey(head);
    },
    async proveRecord(actor, index) {
      const account = requirePermission(actor, 'audit.read');
      const { tenantId } = account;
      const head = await log.signHead(tenantId);
      if (head === null || index >= head.size) throw recordNotFound();
      const [record] = await store.listRecordsOf(account, index + 1, 1);
      if (record?.index !== index) throw recordNotFound();
      const { tree } = await requireTree(tenantId);
      return { record, head, path: await proveInclusion(index, head.size, tree.hash) };
    },
    async proveContinuation(actor, from, to) {
      const { tenantId } = requirePermission(actor, 'audit.witness');
      const { chain, tree } = await requireTree(tenantId);
      if (from > to || to > chain.size || from < chain.firstIndex) throw recordNotFound();
      return { from, to, path: await proveConsistency(from, to, tree.hash) };
    },
    async countersign(actor, { size, publicKey, signature }) {
      const witness = requirePermission(actor, 'audit.witness');
      const head = await store.findHeadOf(witness, size);
      if (head === null) throw recordNotFound();
      if (!dependencies.ed25519.isSignedBy(publicKey, countersignedBytes(head), signature)) {
        throw new AppError('invalid', 'invalid_input', 'The signature is not one of this head by this key.');
      }
      const principal = principalOf(witness) ?? '';
      const signedAtMs = dependencies.clock.nowMs();
      if (await store.saveCountersignature(witness, { size, publicKey, signature, principal, signedAtMs }))
        return;
      throw new AppError('conflict', 'limit_reached', 'This head has as many countersignatures as are kept.');
    },
    ...createReceipts(dependencies, requireTree),
    ...createInspection(dependencies),
  };
}

/** The part of those who have a side in a request. */
function createReceipts(
  { receipts, log }: AuditServiceDependencies,
  requireTree: (tenantId: TenantId) => Promise<{ readonly tree: ChainTree }>,
): Pick<AuditService, 'proveReceipts'> {
  return {
    async proveReceipts(actor, subjectId) {
      const account = requirePermission(actor, 'money.read');
      const { tenantId } = account;
      const kept = await receipts.listReceipts(account, subjectId);
      // Nobody has a head signed for what isn't there.
      const head = kept.length === 0 ? null : await log.signHead(tenantId);
      if (head === null) throw notFound('receipt');
      const { tree } = await requireTree(tenantId);
      const proofs: ReceiptProof[] = [];
      for (const { content, contentHash } of kept) {
        const found = await receipts.findRecordOf(tenantId, contentHash);
        if (found === null || found.record.index >= head.size) throw notFound('receipt');
        const path = await proveInclusion(found.record.index, head.size, tree.hash);
        proofs.push({ content, ...found, head, path });
      }
      return proofs;
    },
  };
}

/** The part of operators. */
function createInspection({
  store,
  log,
  recorder,
  clock,
}: AuditServiceDependencies): Pick<AuditService, 'inspect' | 'listPlatformRecords'> {
  return {
    async inspect(actor, tenantId, { reason, from, limit }) {
      const operator = requirePermission(actor, 'platform.operate');
      // Without a chain there is nothing to look at, and none is begun for a tenant that doesn't exist.
      await log.seal();
      if ((await store.findChain(tenantId)) === null) return [];
      await recorder.note({
        tenantId,
        atMs: clock.nowMs(),
        principal: principalOf(operator),
        operation: 'audit.inspections.create',
        class: 'emergency',
        outcome: 'done',
        objects: [],
        reason,
        leftOut: 0,
      });
      await log.seal();
      return store.listRecords(tenantId, from, limit);
    },
    async listPlatformRecords(actor, from, limit) {
      requirePermission(actor, 'platform.operate');
      await log.seal();
      return store.listRecords(PLATFORM, from, limit);
    },
  };
}
