import { provisioningBytes } from '../../../proto/provisioning.ts';
import type { AccountActor, Actor } from '../../kernel/actor.ts';
import { type Clock, DAY_MS } from '../../kernel/clock.ts';
import { AppError, invalidInput, notFound } from '../../kernel/errors.ts';
import { asId, type CredentialId, type DeviceId, type NetworkId } from '../../kernel/ids.ts';
import { byCreation, type ListPosition, type Page, pageOf } from '../../kernel/page.ts';
import { requirePermission } from '../../kernel/permission.ts';
import type { Random } from '../../kernel/random.ts';
import type { SecretBox } from '../../kernel/secret-box.ts';
import type { MembershipGrant } from '../tenants/index.ts';
import type { BootstrapKey, BootstrapStore, ReservedPlace } from './bootstrap-types.ts';
import {
  BOOTSTRAP_KEY_BYTES,
  BOOTSTRAP_KEY_DAYS_MAX,
  BOOTSTRAP_KEY_PREFIX,
  BOOTSTRAP_KEYS_MAX,
  PROVISIONED_KEPT_MS,
  PROVISIONING_SIGNED_MS,
} from './limits.ts';
import type { DeviceCertificates, NetworkLookup, Suspensions, TokenHash } from './ports.ts';
import { bootstrapContext } from './sealed-contexts.ts';
import type { ClaimCredentials, RegisteredDevice, WorldType } from './types.ts';

/** What a key is for. */
export interface NewBootstrapKey {
  readonly name: string;
  readonly networkId: NetworkId;
  readonly worldTypes: readonly WorldType[] | null;
  readonly devicesMax: number;
  readonly expiresAtMs: number;
  /** The certificate, in PEM, of who issues those of the devices; null: they show the key itself. */
  readonly authority: string | null;
}

/** What a device says of itself. */
export interface ProvisionedDevice {
  /** Its own id; it becomes its assigned id. */
  readonly hardwareId: string;
  /** What it made by chance, and shows again when its answer was lost. */
  readonly secret: string;
  readonly worldType: WorldType;
  /** The key of its sessions of Ratatoskr; null: the first that comes. */
  readonly sessionKey: Uint8Array | null;
}

/** What a device registers itself with: the key, or a certificate and what it signed with its key (`provisioningBytes`). */
export type ProvisioningProof =
  | { readonly key: string }
  | {
      readonly keyId: string;
      /** Both in PEM. */
      readonly certificate: string;
      readonly authority: string;
      /** ISO 8601. */
      readonly signedAt: string;
      readonly signature: Uint8Array;
    };

/** Fleets: devices that register themselves, with a key that they were made with, or a certificate of their own. */
export interface DeviceFleets {
  /**
   * A new key, with the only copy of it; null where its devices have certificates. Refuses with `forbidden`, `network_not_found`, `invalid_input`
   * and `limit_reached`.
   */
  createBootstrapKey(
    actor: Actor,
    input: NewBootstrapKey,
  ): Promise<{ key: BootstrapKey; secret: string | null }>;
  listBootstrapKeys(
    actor: Actor,
    after: ListPosition<string> | null,
    limit: number,
  ): Promise<Page<BootstrapKey, ListPosition<string>>>;
  /** Nobody registers with it any more; devices that did stay. Refuses with `token_not_found`. */
  revokeBootstrapKey(actor: Actor, keyId: string): Promise<void>;
  /**
   * Registers a device in the key's network, for the account that made the key and as far as that still may. The same device with the same
   * secret and session key gets the same answer again for a day. A certificate is for the device whose own id it names. Refuses with `bootstrap_key_wrong` a key
   * or a certificate that is wrong, over, revoked or used up, one of
   * a suspended tenant, and one that is not for this kind; with `device_id_taken` an id that another device has, with
   * `idempotency_key_in_flight` while it is being registered, and as `registerDevice` does.
   */
  provisionDevice(proof: ProvisioningProof, device: ProvisionedDevice): Promise<ClaimCredentials>;
  forgetProvisioned(): Promise<void>;
}

/** What it needs. */
interface FleetDependencies {
  readonly fleets: BootstrapStore;
  readonly networks: NetworkLookup;
  readonly suspended: Suspensions;
  readonly secretBox: SecretBox;
  readonly certificates: DeviceCertificates;
  readonly clock: Clock;
  readonly random: Random;
  readonly hash: TokenHash;
  readonly registerDevice: (
    actor: Actor,
    input: {
      name: string;
      networkId: NetworkId;
      worldType: WorldType;
      assignedId: string | null;
      deviceId: DeviceId;
      sessionKey: Uint8Array | null;
    },
  ) => Promise<RegisteredDevice>;
  readonly removeDevice: (actor: Actor, deviceId: DeviceId) => Promise<void>;
}

/** Builds this part of the service. */
export function createDeviceFleets(dependencies: FleetDependencies): DeviceFleets {
  const { fleets, suspended, secretBox, clock, random, hash } = dependencies;
  const { registerDevice, removeDevice } = dependencies;

  /** Removes what nobody has credentials of. */
  const remove = (actor: AccountActor, deviceId: DeviceId): Promise<void> =>
    removeDevice(actor, deviceId).catch((error: unknown) => {
      if (!(error instanceof AppError && error.code === 'device_not_found')) throw error;
    });

  const register = async (
    { key, maker, leftover }: Extract<ReservedPlace, { kind: 'reserved' }>,
    { hardwareId, worldType, sessionKey }: ProvisionedDevice,
    deviceId: DeviceId,
  ): Promise<ClaimCredentials> => {
    const actor = makerOf(key, maker);
    if (leftover !== null) await remove(actor, leftover);
    requirePermission(actor, 'networks.manage');
    if (suspended.has(key.tenantId)) throw keyWrong();
    const { networkId } = key;
    const name = nameOf(key.name, hardwareId);
    const input = { name, networkId, worldType, assignedId: hardwareId, deviceId, sessionKey };
    const { token, signingKey } = await registerDevice(actor, input);
    const signingKeyText = Buffer.from(signingKey).toString('base64url');
    const credentials: ClaimCredentials = { deviceId, networkId, token, signingKey: signingKeyText };
    const text = new TextEncoder().encode(JSON.stringify(credentials));
    const sealed = secretBox.seal(text, bootstrapContext(key.id, hardwareId));
    if (await fleets.fill(key.id, deviceId, sealed)) return credentials;
    await remove(actor, deviceId);
    throw refusalOf('in_flight');
  };

  return {
    ...createBootstrapKeys(dependencies),

    async provisionDevice(proof, device) {
      const { hardwareId, worldType } = device;
      const deviceId = asId<DeviceId>(random.uuid());
      const place = await fleets.reserve({
        keyHash: hash(shownKey(proof, device, dependencies)),
        hardwareId,
        deviceId,
        secretHash: hash(whatIsShown(device)),
        worldType,
        nowMs: clock.nowMs(),
      });
      if (place.kind !== 'known' && place.kind !== 'reserved') throw refusalOf(place.kind);
      const { id } = place.key;
      if (place.kind === 'known') {
        const opened = secretBox.open(place.credentialsSealed, bootstrapContext(id, hardwareId));
        return JSON.parse(new TextDecoder().decode(opened)) as ClaimCredentials;
      }
      try {
        return await register(place, device, deviceId);
      } catch (error) {
        // Of another failure nobody knows whether there is a device: who takes the place next removes it.
        if (error instanceof AppError && error.kind !== 'unavailable') await fleets.giveBack(id, deviceId);
        throw error;
      }
    },

    forgetProvisioned: () => fleets.forgetCredentials(clock.nowMs() - PROVISIONED_KEPT_MS),
  };
}

/** Making, listing and revoking keys. */
function createBootstrapKeys({
  fleets: store,
  networks,
  certificates,
  clock,
  random,
  hash,
}: FleetDependencies): Pick<DeviceFleets, 'createBootstrapKey' | 'listBootstrapKeys' | 'revokeBootstrapKey'> {
  return {
    async createBootstrapKey(actor, input) {
      const account = requirePermission(actor, 'networks.manage');
      const nowMs = clock.nowMs();
      const leftMs = input.expiresAtMs - nowMs;
      if (leftMs <= 0 || leftMs > BOOTSTRAP_KEY_DAYS_MAX * DAY_MS)
        throw invalidInput(`A key ends later, and within ${BOOTSTRAP_KEY_DAYS_MAX} days.`);
      await networks.getNetwork(account, input.networkId);
      const authority = input.authority === null ? null : certificates.fingerprintOf(input.authority, nowMs);
      if (input.authority !== null && authority === null)
        throw invalidInput('The authority must be a certificate that may issue others, and is good now.');
      const secret =
        BOOTSTRAP_KEY_PREFIX + Buffer.from(random.bytes(BOOTSTRAP_KEY_BYTES)).toString('base64url');
      const { tenantId, accountId: madeBy } = account;
      const key: BootstrapKey = {
        ...input,
        authority,
        id: random.uuid(),
        tenantId,
        madeBy,
        devicesUsed: 0,
        createdAtMs: nowMs,
      };
      const shown = authority === null ? secret : keyOfAuthority(key.id, authority);
      const outcome = await store.addKey(account, { ...key, keyHash: hash(shown) }, BOOTSTRAP_KEYS_MAX);
      if (outcome === 'network_not_found') throw notFound('network');
      if (outcome === 'limit_reached')
        throw new AppError('conflict', 'limit_reached', 'You have as many keys as you may have.');
      return { key, secret: authority === null ? secret : null };
    },

    async listBootstrapKeys(actor, after, limit) {
      const account = requirePermission(actor, 'networks.manage');
      return pageOf(await store.listKeys(account, after, limit + 1), limit, byCreation);
    },

    async revokeBootstrapKey(actor, keyId) {
      const account = requirePermission(actor, 'networks.manage');
      if (!(await store.removeKey(account, keyId))) throw notFound('token');
    },
  };
}

/** What the key of a fleet with certificates is looked up by: nobody has it but who was shown a certificate that is right. */
const keyOfAuthority = (keyId: string, authority: Uint8Array): string =>
  `certificates of ${keyId} by ${Buffer.from(authority).toString('hex')}`;

/** The key that a device has shown, in one way or the other. Refuses with `bootstrap_key_wrong`. */
function shownKey(
  proof: ProvisioningProof,
  device: ProvisionedDevice,
  { certificates, clock }: Pick<FleetDependencies, 'certificates' | 'clock'>,
): string {
  if ('key' in proof) return proof.key;
  const { hardwareId, secret, worldType, sessionKey } = device;
  const { keyId, certificate, authority, signedAt, signature } = proof;
  const nowMs = clock.nowMs();
  if (Math.abs(Date.parse(signedAt) - nowMs) > PROVISIONING_SIGNED_MS) throw keyWrong();
  const sessionKeyText = sessionKey === null ? null : Buffer.from(sessionKey).toString('base64url');
  const said = { keyId, deviceId: hardwareId, secret, worldType, sessionKey: sessionKeyText, signedAt };
  const shown = { certificate, authority, signed: provisioningBytes(said), signature };
  const found = certificates.check(shown, nowMs);
  if (found === null || found.name !== hardwareId) throw keyWrong();
  return keyOfAuthority(keyId, found.authority);
}

/** What a device shows again when its answer was lost: with another key of its sessions, what it would get opens none. */
function whatIsShown({ secret, sessionKey }: ProvisionedDevice): string {
  return sessionKey === null ? secret : `${secret}\n${Buffer.from(sessionKey).toString('base64url')}`;
}

/** The account that made a key, as far as it still may. */
function makerOf(key: BootstrapKey, { role, networkIds }: MembershipGrant): AccountActor {
  return {
    kind: 'account',
    tenantId: key.tenantId,
    accountId: key.madeBy,
    credentialId: asId<CredentialId>(key.id),
    role,
    networkIds,
    operator: false,
  };
}

/** By its key and its own id. That stays whole: names that were cut at it would all be the same. */
function nameOf(keyName: string, hardwareId: string): string {
  const room = NAME_CHARACTERS_MAX - hardwareId.length - 1;
  return `${[...keyName].slice(0, room).join('').trimEnd()} ${hardwareId}`;
}

const NAME_CHARACTERS_MAX = 100;

function keyWrong(): AppError {
  return new AppError(
    'forbidden',
    'bootstrap_key_wrong',
    'The key or the certificate is wrong, over, revoked or used up, or not for this kind of device.',
  );
}

function refusalOf(kind: Exclude<ReservedPlace['kind'], 'known' | 'reserved'>): AppError {
  if (kind === 'taken')
    return new AppError('conflict', 'device_id_taken', 'A device of this id has registered.');
  if (kind === 'in_flight')
    return new AppError('conflict', 'idempotency_key_in_flight', 'The device is being registered.', {
      details: { retryAfterSeconds: 1 },
    });
  return keyWrong();
}
