import { z } from 'zod';
import type { DeviceService } from '../../../domains/devices/index.ts';
import { asId, type DeviceId } from '../../../kernel/ids.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { nameSchema } from '../schemas.ts';
import { assignedIdSchema, deviceParamsSchema, deviceSchema, deviceToJson } from './schemas.ts';

/** Gives a device another name, and another assigned id. */
export const updateDevice = ({ devices }: { devices: DeviceService }) =>
  defineRoute({
    operation: 'devices.update',
    method: 'PUT',
    path: '/api/v1/devices/:deviceId',
    access: 'devices.manage',
    cost: COSTS.write,
    audit: 'change',
    summary: 'Gives a device another name, and, where the body has one, another id of yours (null: none).',
    params: deviceParamsSchema,
    body: z.strictObject({ name: nameSchema, assignedId: assignedIdSchema.nullable().optional() }),
    response: deviceSchema,
    status: 200,
    errors: ['device_not_found', 'device_of_other_tenant', 'device_name_taken', 'device_id_taken'],
    handle: async ({ actor, params, body }) =>
      deviceToJson(await devices.changeDevice(actor, asId<DeviceId>(params.deviceId), body)),
  });
