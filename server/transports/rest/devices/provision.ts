import { z } from 'zod';
import type { DeviceService } from '../../../domains/devices/index.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { idSchema } from '../schemas.ts';
import {
  assignedIdSchema,
  credentialsSchema,
  pemSchema,
  sessionKeySchema,
  worldTypeSchema,
} from './schemas.ts';

/** A device of a fleet registers itself. */
export const provisionDevice = ({ devices }: { devices: DeviceService }) =>
  defineRoute({
    operation: 'devices.provision',
    method: 'POST',
    path: '/api/v1/device-provisioning',
    access: 'public',
    cost: COSTS.write,
    audit: 'change',
    summary:
      'For a device that was made with a bootstrap key, or with a certificate of its fleet: registers it and gives its credentials; the same answer to the same device for a day.',
    body: z
      .strictObject({
        key: z.string().min(1).max(100).optional().describe('The key that it was made with.'),
        certificate: z
          .strictObject({
            keyId: idSchema.describe('The id of the bootstrap key with the authority.'),
            certificate: pemSchema.describe('Its own certificate, whose CN is its `deviceId`.'),
            authority: pemSchema.describe('The certificate of who issued it.'),
            signedAt: z.iso.datetime().describe('Within five minutes of the time of the server.'),
            signature: z
              .base64()
              .max(2_000)
              .describe(
                'By the key of its certificate: Ed25519, ECDSA with SHA-256 or RSA with SHA-256 over what docs/fleets.md says.',
              ),
          })
          .optional()
          .describe('In place of the key.'),
        deviceId: assignedIdSchema.describe('Its own id, as a serial number; it becomes its `assignedId`.'),
        secret: z
          .string()
          .min(32)
          .max(100)
          .describe(
            'What the device made by chance: it shows it again, with the same `sessionKey`, when its answer was lost.',
          ),
        worldType: worldTypeSchema,
        sessionKey: sessionKeySchema,
      })
      .refine(({ key, certificate }) => (key === undefined) !== (certificate === undefined), {
        message: 'Give `key` or `certificate`.',
      }),
    response: credentialsSchema,
    status: 201,
    errors: [
      'bootstrap_key_wrong',
      'device_id_taken',
      'idempotency_key_in_flight',
      'network_not_found',
      'device_name_taken',
      'limit_reached',
      'forbidden',
    ],
    handle: async ({ body: { key, certificate, deviceId: hardwareId, ...device } }) => {
      const proof =
        certificate === undefined
          ? { key: key ?? '' }
          : { ...certificate, signature: Buffer.from(certificate.signature, 'base64') };
      return { ...(await devices.provisionDevice(proof, { ...device, hardwareId })) };
    },
  });
