import type { AccountActor, DeviceActor } from '../../kernel/actor.ts';
import type { CredentialId, DeviceId } from '../../kernel/ids.ts';

/** The name by which a device signs in over MQTT, and since when its password is the one that it is. */
export interface DeviceLogin {
  readonly name: string;
  readonly changedAtMs: number;
}

/** The same as it is kept. */
export interface KeptLogin extends DeviceLogin {
  readonly passwordHash: string;
  readonly credentialId: CredentialId;
}

/** Who signs in by a name. */
export interface FoundLogin {
  /** Its credential is that of the password. */
  readonly actor: DeviceActor;
  readonly passwordHash: string;
  readonly signingKeySealed: Uint8Array;
}

/** Where names and hashes of passwords are kept. */
export interface LoginStore {
  /** Keeps it in place of the one before, whose credential it gives. `name_taken`: some device has this name. `not_found`: the device is gone. */
  replaceLogin(
    actor: AccountActor,
    deviceId: DeviceId,
    login: KeptLogin,
  ): Promise<{ readonly replacedId: CredentialId | null } | 'name_taken' | 'not_found'>;
  findLogin(actor: AccountActor, deviceId: DeviceId): Promise<DeviceLogin | null>;
  /** The credential that was removed; null: there was none. */
  removeLogin(actor: AccountActor, deviceId: DeviceId): Promise<CredentialId | null>;
  findByName(name: string): Promise<FoundLogin | null>;
}

/** Hashes passwords, in turn by client. Rejects with `unavailable` when too many wait. */
export interface LoginHasher {
  hash(client: LoginClient, password: string): Promise<string>;
  /** Null in place of a hash takes as long as any, and is never right. */
  isRight(client: LoginClient, kept: string | null, password: string): Promise<boolean>;
}

interface LoginClient {
  readonly id: string;
  readonly isKnown: boolean;
}

/** Counts tries; gives the seconds to wait where it was too much, else null. */
export interface LoginTries {
  countAndCheck(client: string): number | null;
  /** Counts nothing. */
  secondsToWait(client: string): number | null;
}
