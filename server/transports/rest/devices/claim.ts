import { z } from 'zod';
import type { DeviceService } from '../../../domains/devices/index.ts';
import { asId, type NetworkId } from '../../../kernel/ids.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { idSchema, nameSchema } from '../schemas.ts';
import { assignedIdSchema, deviceSchema, deviceToJson } from './schemas.ts';

/** An owner claims the device that shows this code. */
export const claimDevice = ({ devices }: { devices: DeviceService }) =>
  defineRoute({
    operation: 'devices.claim',
    method: 'POST',
    path: '/api/v1/devices/claim',
    access: 'devices.manage',
    cost: COSTS.write,
    audit: 'change',
    summary:
      'Makes the device that shows this code yours. It fetches its credentials itself; there is nothing to copy.',
    body: z.strictObject({
      code: z.string().min(1).max(30).describe('As the device shows it; letters in either case.'),
      name: nameSchema,
      networkId: idSchema,
      assignedId: assignedIdSchema.optional(),
    }),
    response: deviceSchema,
    status: 201,
    errors: [
      'claim_code_wrong',
      'network_not_found',
      'device_name_taken',
      'device_id_taken',
      'limit_reached',
    ],
    handle: async ({ actor, body: { code, networkId, ...input } }) =>
      deviceToJson(
        await devices.claimDevice(actor, code, {
          ...input,
          networkId: asId<NetworkId>(networkId),
          assignedId: input.assignedId ?? null,
        }),
      ),
  });
