import type { NetworkId, NodeId, TenantId } from './ids.ts';

/** Whom a message is for: one node, every node that serves devices of a network, or every node that somebody of a tenant waits at. */
export type Subject = `node.${NodeId}` | `network.${NetworkId}` | `tenant.${TenantId}`;

/** A hint to read again. It carries no content: what it speaks of is in the database. */
export type BusMessage =
  | {
      readonly kind: 'stream.head';
      readonly networkId: NetworkId;
      /** The stream has frames up to this offset. */
      readonly head: number;
    }
  /** Somebody who waits for a lock of the tenant waits no more. */
  | { readonly kind: 'locks.changed'; readonly tenantId: TenantId };

/**
 * Tells other nodes that something is to be read. Each message arrives at most once, later, in any order, or not at all:
 * nothing may depend on one.
 */
export interface Bus {
  publish(subject: Subject, message: BusMessage): void;
  /** Calls `receive` with what is published to the subject, here or elsewhere. The returned function ends that. */
  subscribe(subject: Subject, receive: (message: BusMessage) => void): () => void;
}
