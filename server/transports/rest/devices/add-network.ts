import type { DeviceService } from '../../../domains/devices/index.ts';
import { asId, type DeviceId, type NetworkId } from '../../../kernel/ids.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { deviceNetworkParamsSchema, deviceNetworkSchema, deviceNetworkToJson } from './schemas.ts';

/** Puts a device into one more network. */
export const addDeviceToNetwork = ({ devices }: { devices: DeviceService }) =>
  defineRoute({
    operation: 'devices.networks.add',
    method: 'PUT',
    path: '/api/v1/devices/:deviceId/networks/:networkId',
    access: 'devices.manage',
    cost: COSTS.write,
    audit: 'change',
    summary: 'Puts your device into one more network: of yours, or one that you were invited into.',
    params: deviceNetworkParamsSchema,
    response: deviceNetworkSchema,
    status: 200,
    errors: ['device_not_found', 'device_of_other_tenant', 'network_not_found', 'limit_reached'],
    handle: async ({ actor, params }) =>
      deviceNetworkToJson(
        await devices.addDeviceToNetwork(
          actor,
          asId<DeviceId>(params.deviceId),
          asId<NetworkId>(params.networkId),
        ),
      ),
  });
