import type { Actor } from '../../kernel/actor.ts';
import type { AppError } from '../../kernel/errors.ts';
import type { AccountId, DeviceId, NetworkId, TenantId } from '../../kernel/ids.ts';

/** A connection that is open. */
export interface LiveConnection {
  readonly kind: 'websocket' | 'mqtt' | 'http';
  readonly actor: Actor;
  /** The session whose credential opened it; null where credentials have none. */
  readonly sessionId: string | null;
  /** True while the connection has to do with this network; a function, because memberships change. */
  concerns(networkId: NetworkId): boolean;
  /** Ends the connection and tells the other end why. Called at most once. */
  end(reason: AppError): void;
}

/** Which connections are meant: those that match everything that is given. One field besides `networkId` must be. */
export interface ConnectionFilter {
  readonly accountId?: AccountId;
  readonly deviceId?: DeviceId;
  readonly sessionId?: string;
  readonly tenantId?: TenantId;
  readonly networkId?: NetworkId;
}

/** A device that connected to this node, or left it. */
export interface PresenceChange {
  readonly deviceId: DeviceId;
  readonly tenantId: TenantId;
  /** Since when it is connected; null: it is gone. */
  readonly connectedAtMs: number | null;
}
