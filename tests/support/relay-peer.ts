import type { FrameToStore, Membership, Peer } from '../../server/domains/relay/types.ts';
import { asId, type DeviceId, type NetworkId, type TenantId } from '../../server/kernel/ids.ts';
import { TEST_CREDENTIAL_ID } from './actors.ts';
import { uuid } from './frames.ts';

/** The network that `testPeer` belongs to. */
export const testNetworkId = asId<NetworkId>(uuid(2));

/** That it does. */
export const testMembership: Membership = {
  networkId: testNetworkId,
  networkTenantId: asId<TenantId>(uuid(10)),
  joinedAtMs: 0,
};

/** A connected device, as the relay's parts see it. */
export const testPeer: Peer = {
  actor: {
    kind: 'device',
    credentialId: TEST_CREDENTIAL_ID,
    tenantId: testMembership.networkTenantId,
    deviceId: asId<DeviceId>(uuid(3)),
  },
  memberships: new Map([[testNetworkId, testMembership]]),
  signingKey: { algorithm: 'hmac-sha256' },
  number: 1,
  close() {},
  membershipsChanged() {},
};

/** A STORED frame of `testPeer`, changed where a test needs it. */
export const frameToStore = (number: number, changes: Partial<FrameToStore> = {}): FrameToStore => ({
  sourceId: testPeer.actor.deviceId,
  sourceTenantId: testMembership.networkTenantId,
  networkId: testNetworkId,
  tenantId: testMembership.networkTenantId,
  frameId: uuid(number),
  destinationId: null,
  destinationUnknown: false,
  nonce: number,
  isRepetition: false,
  content: Uint8Array.of(number),
  ...changes,
});
