import { z } from 'zod';
import type { ShadowService } from '../../../domains/shadow/index.ts';
import { asId, type DeviceId, type LockId, type NetworkId } from '../../../kernel/ids.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { idSchema } from '../schemas.ts';
import { deviceParamsSchema } from './schemas.ts';
import { networkChoiceSchema, patchSchema, shadowSchema, shadowToJson } from './state-schemas.ts';

/** Changes what is wanted of a device. */
export const changeDeviceState = ({ shadows }: { shadows: ShadowService }) =>
  defineRoute({
    operation: 'devices.state.change',
    method: 'PATCH',
    path: '/api/v1/devices/:deviceId/state',
    access: 'devices.command',
    cost: COSTS.write,
    audit: 'change',
    summary: 'Changes what is wanted of a device, which is told at once, or when it returns.',
    params: deviceParamsSchema,
    body: z.strictObject({
      desired: patchSchema,
      version: z
        .int()
        .min(0)
        .optional()
        .describe('The version of what was wanted before: where it is another, 409 and nothing is changed.'),
      lock: z
        .strictObject({ lockId: idSchema, token: z.int().min(1) })
        .optional()
        .describe(
          'A lock of yours and its token: where it is not held under it, 409 and nothing is changed.',
        ),
      networkId: networkChoiceSchema,
    }),
    response: shadowSchema,
    status: 200,
    errors: [
      'device_not_found',
      'network_not_found',
      'conflict',
      'lock_token_stale',
      'storage_quota_exceeded',
    ],
    handle: async ({ actor, params, body }) =>
      shadowToJson(
        await shadows.desire(
          actor,
          {
            deviceId: asId<DeviceId>(params.deviceId),
            networkId: body.networkId === undefined ? null : asId<NetworkId>(body.networkId),
          },
          body.desired,
          {
            version: body.version ?? null,
            lock:
              body.lock === undefined
                ? null
                : { lockId: asId<LockId>(body.lock.lockId), token: body.lock.token },
          },
        ),
      ),
  });
