import type { Actor } from '../../kernel/actor.ts';
import type { AppError } from '../../kernel/errors.ts';
import type { AccountId, CredentialId, DeviceId, NetworkId, TenantId } from '../../kernel/ids.ts';

/** A connection that is open. */
export interface LiveConnection {
  readonly kind: 'websocket' | 'mqtt' | 'http';
  readonly actor: Actor;
  /** True while the connection has to do with this network; a function, because memberships change. */
  concerns(networkId: NetworkId): boolean;
  /** When something came from the other end last, in milliseconds since 1970; without it nobody looks. */
  heardAtMs?(): number;
  /** Ends the connection and tells the other end why. Called at most once. */
  end(reason: AppError): void;
}

/** A connection as others may hear of it. */
export interface OpenLink {
  readonly kind: LiveConnection['kind'];
  readonly sinceMs: number;
  readonly heardAtMs: number | null;
}

/** Somebody whose credential is being looked at, and who is not connected yet. */
export interface Arrival {
  /**
   * The connection is open from now on, until the returned function is called or it is ended. Refuses with the reason of an
   * `end` since the arrival that would have ended it. Called once.
   */
  register(connection: LiveConnection): () => void;
  /** Nobody comes in, or has come in: forgets the arrival. */
  leave(): void;
}

/** Which connections are meant: those that match everything that is given. One field besides `networkId` must be. */
export interface ConnectionFilter {
  readonly accountId?: AccountId;
  readonly deviceId?: DeviceId;
  /** What opened it. */
  readonly credentialId?: CredentialId;
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
