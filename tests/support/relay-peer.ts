import type { Peer } from '../../server/domains/relay/types.ts';
import { asId, type DeviceId, type NetworkId, type TenantId } from '../../server/kernel/ids.ts';
import { uuid } from './frames.ts';

/** The network that `testPeer` belongs to. */
export const testNetworkId = asId<NetworkId>(uuid(2));

/** A connected device, as the relay's parts see it. */
export const testPeer: Peer = {
  actor: {
    kind: 'device',
    tenantId: asId<TenantId>(uuid(10)),
    deviceId: asId<DeviceId>(uuid(3)),
  },
  memberships: new Map([
    [testNetworkId, { networkId: testNetworkId, tenantId: asId<TenantId>(uuid(10)), joinedAtMs: 0 }],
  ]),
  signingKey: { algorithm: 'hmac-sha256' },
  number: 1,
  close() {},
};
