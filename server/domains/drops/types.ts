import type { DeviceId, NetworkId, TenantId } from '../../kernel/ids.ts';

/** A device in a network, and who owns the network. */
export interface DropOwner {
  readonly networkId: NetworkId;
  readonly tenantId: TenantId;
  readonly deviceId: DeviceId;
}

/** Which end a device is: it sent what was dropped, or it was for it. */
export type DropEnd = 'sender' | 'receiver';

/**
 * Why: a queue of a tree was full, a session with its queue was over, a network had no room to retain it, a frame was older or more than
 * are kept.
 */
export type DropCause = 'queue_full' | 'session_expired' | 'retained_full' | 'frame_expired';

/** Something that was dropped, as one of its ends sees it. */
export interface Dropped extends DropOwner {
  readonly end: DropEnd;
  readonly cause: DropCause;
  /** Of a publication. */
  readonly topic?: string;
  /** Of a frame. */
  readonly frameId?: string;
}

/** What was dropped within an interval. */
export interface DropNotice extends DropOwner {
  readonly end: DropEnd;
  readonly cause: DropCause;
  readonly count: number;
  /** Some of the topics. */
  readonly topics: readonly string[];
  /** Some of the frames. */
  readonly frameIds: readonly string[];
  /** When the first of them was dropped. */
  readonly sinceMs: number;
  readonly atMs: number;
}
