import type { NetworkId, NodeId } from './ids.ts';

/** Whom a message is for: one node, or every node that serves devices of a network. */
export type Subject = `node.${NodeId}` | `network.${NetworkId}`;

/** A hint to read again. It carries no content: what it speaks of is in the database. */
export interface BusMessage {
  readonly kind: 'stream.head';
  readonly networkId: NetworkId;
  /** The stream has frames up to this offset. */
  readonly head: number;
}

/**
 * Tells other nodes that something is to be read. Each message arrives at most once, later, in any order, or not at all:
 * nothing may depend on one.
 */
export interface Bus {
  publish(subject: Subject, message: BusMessage): void;
  /** Calls `receive` with what is published to the subject, here or elsewhere. The returned function ends that. */
  subscribe(subject: Subject, receive: (message: BusMessage) => void): () => void;
}
