import type { DeviceService } from '../../../domains/devices/index.ts';
import { asId, type DeviceId } from '../../../kernel/ids.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { deviceParamsSchema, deviceSchema, deviceToJson } from './schemas.ts';

/** One device that the caller may see. */
export const getDevice = ({ devices }: { devices: DeviceService }) =>
  defineRoute({
    operation: 'devices.get',
    method: 'GET',
    path: '/api/v1/devices/:deviceId',
    access: 'devices.read',
    cost: COSTS.read,
    audit: 'none',
    summary: 'One of your devices.',
    params: deviceParamsSchema,
    response: deviceSchema,
    status: 200,
    errors: ['device_not_found'],
    handle: async ({ actor, params }) =>
      deviceToJson(await devices.getDevice(actor, asId<DeviceId>(params.deviceId))),
  });
