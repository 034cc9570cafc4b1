import { z } from 'zod';
import type { ShadowService } from '../../../domains/shadow/index.ts';
import { asId, type DeviceId, type NetworkId } from '../../../kernel/ids.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { deviceParamsSchema } from './schemas.ts';
import { networkChoiceSchema, shadowSchema, shadowToJson } from './state-schemas.ts';

/** What is wanted of a device, and what it says. */
export const getDeviceState = ({ shadows }: { shadows: ShadowService }) =>
  defineRoute({
    operation: 'devices.state.get',
    method: 'GET',
    path: '/api/v1/devices/:deviceId/state',
    access: 'devices.read',
    cost: COSTS.read,
    audit: 'none',
    summary: 'What is wanted of a device (desired), and what it says that it is (reported).',
    params: deviceParamsSchema,
    query: z.strictObject({ networkId: networkChoiceSchema }),
    response: shadowSchema,
    status: 200,
    errors: ['device_not_found', 'network_not_found'],
    handle: async ({ actor, params, query }) =>
      shadowToJson(
        await shadows.get(actor, {
          deviceId: asId<DeviceId>(params.deviceId),
          networkId: query.networkId === undefined ? null : asId<NetworkId>(query.networkId),
        }),
      ),
  });
