import type { AccountActor } from '../../kernel/actor.ts';
import type { AccountId, DeviceId, NetworkId, TenantId } from '../../kernel/ids.ts';
import type { ListPosition } from '../../kernel/page.ts';
import type { MembershipGrant } from '../tenants/index.ts';
import type { WorldType } from './types.ts';

/** A key with which devices of a fleet register themselves. */
export interface BootstrapKey {
  readonly id: string;
  readonly tenantId: TenantId;
  readonly networkId: NetworkId;
  readonly name: string;
  /** Null: any. */
  readonly worldTypes: readonly WorldType[] | null;
  readonly devicesMax: number;
  /** Devices that have used it, also those that were removed since. */
  readonly devicesUsed: number;
  readonly madeBy: AccountId;
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
  /** Whose certificates its devices have, by the SHA-256 of the authority's own; null: they show the key itself. */
  readonly authority: Uint8Array | null;
}

/** What a device shows. */
export interface Provisioning {
  readonly keyHash: Uint8Array;
  readonly hardwareId: string;
  /** Under which it will be registered, if it is now: of this attempt alone. */
  readonly deviceId: DeviceId;
  readonly secretHash: Uint8Array;
  readonly worldType: WorldType;
  readonly nowMs: number;
}

/** What became of it. */
export type ReservedPlace =
  /** It may be registered; `leftover`: an attempt that came to no end may have registered this. */
  | {
      readonly kind: 'reserved';
      readonly key: BootstrapKey;
      readonly maker: MembershipGrant;
      readonly leftover: DeviceId | null;
    }
  /** It was, a while ago: its answer was lost. */
  | { readonly kind: 'known'; readonly key: BootstrapKey; readonly credentialsSealed: Uint8Array }
  /** `taken`: another device has the id, or this one had its answer long ago. `in_flight`: it is being registered. */
  | { readonly kind: 'key_wrong' | 'kind_wrong' | 'used_up' | 'taken' | 'in_flight' };

/** Where keys, and the devices that used them, are kept. */
export interface BootstrapStore {
  /** False: there are as many as may be. Refuses nothing else: a network that is gone is `network_not_found`. */
  addKey(
    actor: AccountActor,
    key: BootstrapKey & { readonly keyHash: Uint8Array },
    keysMax: number,
  ): Promise<'added' | 'limit_reached' | 'network_not_found'>;
  listKeys(
    actor: AccountActor,
    after: ListPosition<string> | null,
    limit: number,
  ): Promise<readonly BootstrapKey[]>;
  /** False: there is none that the actor sees. */
  removeKey(actor: AccountActor, keyId: string): Promise<boolean>;
  reserve(provisioning: Provisioning): Promise<ReservedPlace>;
  /** This attempt registered no device. */
  giveBack(keyId: string, deviceId: DeviceId): Promise<void>;
  /** False: the key was revoked meanwhile, or another attempt has taken the place. */
  fill(keyId: string, deviceId: DeviceId, credentialsSealed: Uint8Array): Promise<boolean>;
  /** Removes credentials that were kept long enough. */
  forgetCredentials(beforeMs: number): Promise<void>;
}
