import type { AccountActor, DeviceActor } from '../../kernel/actor.ts';
import { AppError, notFound } from '../../kernel/errors.ts';
import type { DeviceId, LockClaimId, NetworkId } from '../../kernel/ids.ts';
import type { DeviceLookup, DeviceNetworks, NetworkLookup } from './ports.ts';
import type { ClaimKey, LockPrincipal, LockScope } from './types.ts';

/** A scope as it is asked for: a network, a device, or neither: the tenant. */
export interface AskedScope {
  readonly networkId: NetworkId | null;
  readonly deviceId: DeviceId | null;
}

/** Who may take locks where. */
export interface LockAccess {
  /**
   * The scope, where the actor may take locks in it: an account in its tenant, the networks it sees and the devices it sees that are
   * of its tenant; a device in its tenant, its networks, itself, and devices of its tenant that share a network with it. Refuses with
   * `network_not_found`, `device_not_found`, and with `forbidden` the tenant's scope to who is a member of single networks.
   */
  scopeOf(actor: AccountActor | DeviceActor, asked: AskedScope): Promise<LockScope>;
}

/** Who takes locks; a claim is that of the account or device, whichever credential it shows. */
export const principalOf = (actor: AccountActor | DeviceActor): LockPrincipal =>
  actor.kind === 'account'
    ? { kind: 'account', id: actor.accountId }
    : { kind: 'device', id: actor.deviceId };

/** By what a claim of the actor is found. */
export const claimKeyOf = (actor: AccountActor | DeviceActor, claimId: LockClaimId): ClaimKey => ({
  principal: principalOf(actor),
  claimId,
  tenantId: actor.kind === 'account' ? actor.tenantId : null,
  networkIds: actor.kind === 'account' ? actor.networkIds : null,
});

/** Builds the checks. */
export function createLockAccess(dependencies: {
  readonly networks: NetworkLookup;
  readonly devices: DeviceLookup;
  readonly deviceNetworks: DeviceNetworks;
}): LockAccess {
  const { networks, devices, deviceNetworks } = dependencies;

  async function ofAccount(actor: AccountActor, { networkId, deviceId }: AskedScope): Promise<LockScope> {
    const { tenantId } = actor;
    if (networkId !== null) {
      await networks.getNetwork(actor, networkId);
      return { tenantId, networkId, deviceId: null };
    }
    if (deviceId !== null) {
      // A guest's device belongs to a tenant of its own.
      if ((await devices.getDevice(actor, deviceId)).guest) throw notFound('device');
      return { tenantId, networkId: null, deviceId };
    }
    if (actor.networkIds === null) return { tenantId, networkId: null, deviceId: null };
    throw new AppError(
      'forbidden',
      'forbidden',
      'You are a member of single networks: name the network or the device of the lock.',
    );
  }

  async function ofDevice(actor: DeviceActor, { networkId, deviceId }: AskedScope): Promise<LockScope> {
    const { tenantId } = actor;
    if (networkId === null && (deviceId === null || deviceId === actor.deviceId)) {
      return { tenantId, networkId, deviceId };
    }
    const own = (await deviceNetworks.findNetworks(actor.deviceId, tenantId)) ?? [];
    if (networkId !== null) {
      const network = own.find((found) => found.networkId === networkId);
      if (network === undefined) throw notFound('network');
      return { tenantId: network.networkTenantId, networkId, deviceId: null };
    }
    const theirs = (await deviceNetworks.findNetworks(deviceId as DeviceId, tenantId)) ?? [];
    if (!theirs.some((found) => own.some((network) => network.networkId === found.networkId))) {
      throw notFound('device');
    }
    return { tenantId, networkId: null, deviceId };
  }

  return {
    scopeOf: (actor, asked) => (actor.kind === 'account' ? ofAccount(actor, asked) : ofDevice(actor, asked)),
  };
}
