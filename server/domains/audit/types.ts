import type { AuditLogHead, AuditLogRecord } from '../../../proto/index.ts';
import type { Actor } from '../../kernel/actor.ts';
import { asId, type TenantId } from '../../kernel/ids.ts';

/** Whose chain has what belongs to no tenant: callers that nobody knows, and operators. */
export const PLATFORM = asId<TenantId>('00000000-0000-0000-0000-000000000000');

/** What kind of operation a record is of; `emergency`: an operator looked into a tenant, and said why. */
export type RecordClass = 'access' | 'change' | 'money' | 'emergency';

/** A record before it has a place in a chain. */
export type NotedRecord = Omit<AuditLogRecord, 'tenantId' | 'index' | 'class' | 'contentHash'> & {
  readonly tenantId: TenantId;
  readonly class: RecordClass;
  /** What is kept with it, and stands in it by its hash. */
  readonly receipt?: Omit<Receipt, 'record'>;
};

/** What happened, for one side of it: a text that is kept, and stands in that side's log by its hash. */
export interface Receipt {
  /** Its record. */
  readonly record: NotedRecord;
  /** The request it is about. */
  readonly subjectId: string;
  /** Whose side of it: an account that asked, or a provider. */
  readonly partId: string;
  /** Who may read it beside the administrators; null: everybody of the tenant who may read what is earned. */
  readonly accountId: string | null;
  readonly content: string;
}

/** A record in its chain. */
export interface SealedRecord extends AuditLogRecord {
  readonly hash: Uint8Array;
}

/** A head that the server has signed. */
export interface SignedHead extends AuditLogHead {
  readonly keyId: string;
  readonly publicKey: Uint8Array;
  readonly signature: Uint8Array;
}

/** What a witness says of a head: that it has kept it. */
export interface Countersignature {
  readonly size: number;
  readonly publicKey: Uint8Array;
  readonly signature: Uint8Array;
  readonly principal: string;
  readonly signedAtMs: number;
}

/** A chain as it is now. */
export interface Chain {
  readonly tenantId: TenantId;
  /** Records that it ever had. */
  readonly size: number;
  /** The first record that isn't removed. */
  readonly firstIndex: number;
  /** The hash that the first record follows. */
  readonly firstFollows: Uint8Array;
  readonly lastHash: Uint8Array;
  /** Records of its last signed head; 0 before the first. */
  readonly headSize: number;
}

/** The hash of a full subtree of 2^level records, the `index`th of its level. */
export interface TreeNode {
  readonly level: number;
  readonly index: number;
  readonly hash: Uint8Array;
}

/** A principal in one word: `account:<id>`, `device:<id>`, `service:<name>`; null: somebody unknown. */
export function principalOf(actor: Actor | null): string | null {
  switch (actor?.kind) {
    case 'account':
      return `account:${actor.accountId}`;
    case 'device':
      return `device:${actor.deviceId}`;
    case 'service':
      return `service:${actor.service}`;
    default:
      return null;
  }
}
