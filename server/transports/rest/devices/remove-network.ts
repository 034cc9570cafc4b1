import { z } from 'zod';
import type { DeviceService } from '../../../domains/devices/index.ts';
import { asId, type DeviceId, type NetworkId } from '../../../kernel/ids.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { deviceNetworkParamsSchema } from './schemas.ts';

/** Takes a device out of a network. */
export const removeDeviceFromNetwork = ({ devices }: { devices: DeviceService }) =>
  defineRoute({
    operation: 'devices.networks.remove',
    method: 'DELETE',
    path: '/api/v1/devices/:deviceId/networks/:networkId',
    access: 'devices.manage',
    cost: COSTS.write,
    audit: 'change',
    summary: 'Takes a device, yours or a guest, out of a network. It is cut off there at once.',
    params: deviceNetworkParamsSchema,
    response: z.object({ removed: z.literal(true) }),
    status: 200,
    errors: ['device_not_found', 'network_not_found'],
    handle: async ({ actor, params }) => {
      await devices.removeDeviceFromNetwork(
        actor,
        asId<DeviceId>(params.deviceId),
        asId<NetworkId>(params.networkId),
      );
      return { removed: true as const };
    },
  });
