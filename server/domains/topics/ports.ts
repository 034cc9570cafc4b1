import type {
  DroppedMessage,
  KeptSession,
  Packet,
  QueuedMessage,
  Subscription,
  TreeOwner,
  Will,
} from './types.ts';

/** Rows of a tree as they are to be; undefined or false: the row is to go. */
export interface TreeChanges {
  readonly retained: readonly { readonly topic: string; readonly packet: Packet | undefined }[];
  readonly sessions: readonly { readonly clientId: string; readonly session: KeptSession | undefined }[];
  readonly wills: readonly { readonly clientId: string; readonly will: Will | undefined }[];
  readonly subscriptions: readonly {
    readonly clientId: string;
    readonly filter: string;
    readonly subscription: Subscription | undefined;
  }[];
  readonly queued: readonly {
    readonly clientId: string;
    readonly position: number;
    readonly message: QueuedMessage | undefined;
  }[];
  readonly handshakes: readonly {
    readonly clientId: string;
    readonly messageId: number;
    readonly isOpen: boolean;
  }[];
}

/** All that is kept of a tree. */
export interface StoredTree {
  readonly retained: readonly Packet[];
  readonly sessions: readonly { readonly clientId: string; readonly session: KeptSession }[];
  readonly wills: readonly { readonly clientId: string; readonly will: Will }[];
  readonly subscriptions: readonly { readonly clientId: string; readonly subscription: Subscription }[];
  /** In the order of their positions. */
  readonly queued: readonly {
    readonly clientId: string;
    readonly position: number;
    readonly packet: Packet;
  }[];
  readonly handshakes: readonly { readonly clientId: string; readonly messageId: number }[];
}

/** Who is told of what happens in trees. */
export interface TreeEvents {
  /** A will was published; `clientId` says whose it was. */
  willSaid(owner: TreeOwner, will: Packet): void;
  /** A message was dropped that was kept for a lasting session, or was to be. */
  dropped(owner: TreeOwner, message: DroppedMessage): void;
}

/** Where trees are kept. */
export interface TreeStore {
  load(owner: TreeOwner): Promise<StoredTree>;
  /** Makes these rows as they are in memory, all or none. */
  save(owner: TreeOwner, changes: TreeChanges): Promise<void>;
}
