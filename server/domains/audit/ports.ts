import type { AccountActor, Actor } from '../../kernel/actor.ts';
import type { TenantId } from '../../kernel/ids.ts';
import type { Chain, Countersignature, NotedRecord, SealedRecord, SignedHead, TreeNode } from './types.ts';

/** What is read of chains by the server itself, whichever tenant's they are. */
export interface ChainReader {
  findChain(tenantId: TenantId): Promise<Chain | null>;
  /** Of one chain or (null) of all, `limit` of those behind `after`, by tenant. */
  listChains(after: TenantId | null, limit: number): Promise<readonly Chain[]>;
  /** From `from` on, in order. */
  listRecords(tenantId: TenantId, from: number, limit: number): Promise<readonly SealedRecord[]>;
  /** The hashes of the records `from` to `to`, without `to`. */
  listHashes(tenantId: TenantId, from: number, to: number): Promise<readonly Uint8Array[]>;
  listNodes(tenantId: TenantId): Promise<readonly TreeNode[]>;
  /** Every head of a chain, the smallest first. */
  listEveryHead(tenantId: TenantId): Promise<readonly SignedHead[]>;
  listKeys(): Promise<readonly StoredKey[]>;
  /** Records that have no place yet. */
  countWaiting(): Promise<number>;
}

/** A key as it is kept. */
export interface StoredKey {
  readonly id: string;
  readonly publicKey: Uint8Array;
  readonly privateKeySealed: Uint8Array;
}

/** Where receipts are kept. */
export interface ReceiptStore {
  /** Of one request those that the actor may read: as who asked for it, and as whose provider served it. */
  listReceipts(
    actor: AccountActor,
    subjectId: string,
  ): Promise<readonly { readonly content: string; readonly contentHash: Uint8Array }[]>;
  /** The record that has this hash, with the hash that it follows; null: it has no place yet, or is gone. */
  findRecordOf(
    tenantId: TenantId,
    contentHash: Uint8Array,
  ): Promise<{ readonly record: SealedRecord; readonly follows: Uint8Array } | null>;
}

/** Where the audit is kept. Nothing in it is ever changed. */
export interface AuditStore extends ChainReader {
  /** Notes records in a transaction of their own. */
  note(records: readonly NotedRecord[]): Promise<void>;
  /** Gives records that wait their places, `limit` of them; how many it were. */
  seal(limit: number): Promise<number>;
  /** Chains that have grown since their last signed head, `limit` of them. */
  findUnsigned(limit: number): Promise<readonly TenantId[]>;
  findLastHead(tenantId: TenantId): Promise<SignedHead | null>;
  /** Keeps a head with the nodes it was made with. One that is there already stays. */
  saveHead(head: SignedHead, nodes: readonly TreeNode[]): Promise<void>;
  saveKey(key: StoredKey, atMs: number): Promise<void>;
  /** Removes records before `beforeMs` and the oldest of more than `recordsMax`, and heads likewise; how many records it were. */
  removeOld(
    tenantId: TenantId,
    limits: { readonly beforeMs: number; readonly recordsMax: number; readonly headsMax: number },
  ): Promise<number>;

  /** Records of the actor's tenant before `before` (null: the last ones), the last first. */
  listRecordsOf(actor: AccountActor, before: number | null, limit: number): Promise<readonly SealedRecord[]>;
  /** Heads of the actor's tenant before the one of size `before` (null: the last ones), the last first. */
  listHeadsOf(actor: Actor, before: number | null, limit: number): Promise<readonly SignedHead[]>;
  findHeadOf(actor: Actor, size: number): Promise<SignedHead | null>;
  /** Of these heads of the actor's tenant. */
  listCountersignatures(actor: AccountActor, sizes: readonly number[]): Promise<readonly Countersignature[]>;
  /** False: the head has as many as are kept. One of the same key that is there already stays. */
  saveCountersignature(actor: Actor, countersignature: Countersignature): Promise<boolean>;
}
