import type { TenantId } from '../../kernel/ids.ts';

/** What may wait for clients that are away, or slow. What is more is dropped, and both ends are told. */
export interface QueueLimits {
  /** Messages of one lasting session: a device has one for each client id. */
  readonly sessionMessagesMax: number;
  /** Bytes of them. */
  readonly sessionBytesMax: number;
  /** Bytes of all lasting sessions of one device in a network. */
  readonly deviceBytesMax: number;
  /** Bytes of all lasting sessions of one network. */
  readonly networkBytesMax: number;
  /** Bytes of all networks of one tenant whose trees are in use. */
  readonly tenantBytesMax: number;
}

/** Those that hold where nobody says others: a device that is away for a day, homes of some hundred devices. */
export const QUEUE_LIMITS: QueueLimits = {
  sessionMessagesMax: 10_000,
  sessionBytesMax: 16_777_216,
  deviceBytesMax: 67_108_864,
  networkBytesMax: 134_217_728,
  tenantBytesMax: 536_870_912,
};

/** What is retained in the trees of one tenant, together. Each tree counts in it. */
export interface TenantRetained {
  retainedBytes: number;
}

/** The same, and what waits in them. */
export interface TenantQueues extends TenantRetained {
  bytes: number;
}

/** The limits of a tree's queues, and what waits in the other trees of its tenant. */
export interface QueueRoom {
  readonly limits: QueueLimits;
  readonly ofTenant: TenantQueues;
  /** Whose session this is: clients of one device share what it may have. */
  readonly deviceOf: (clientId: string) => string;
}

/** Clients of nobody knows which devices: each is one of its own. */
export const eachItself: QueueRoom['deviceOf'] = (clientId) => clientId;

/** What waits in the trees of each tenant that are in use. */
export class QueueRooms {
  readonly #limits: QueueLimits;
  readonly #deviceOf: QueueRoom['deviceOf'];
  readonly #tenants = new Map<TenantId, TenantQueues & { trees: number }>();

  constructor(limits: QueueLimits, deviceOf: QueueRoom['deviceOf']) {
    this.#limits = limits;
    this.#deviceOf = deviceOf;
  }

  /** The room of one more tree of the tenant. */
  enter(tenantId: TenantId): QueueRoom {
    const ofTenant = this.#tenants.get(tenantId) ?? { bytes: 0, retainedBytes: 0, trees: 0 };
    this.#tenants.set(tenantId, ofTenant);
    ofTenant.trees++;
    return { limits: this.#limits, ofTenant, deviceOf: this.#deviceOf };
  }

  /** A tree of the tenant is in use no more. Nothing is kept of a tenant that has no other. */
  leave(tenantId: TenantId): void {
    const ofTenant = this.#tenants.get(tenantId);
    if (ofTenant !== undefined && --ofTenant.trees === 0) this.#tenants.delete(tenantId);
  }
}
