import { z } from 'zod';
import type { Network } from '../../../domains/networks/index.ts';
import { idSchema, timeSchema, toIsoTime } from '../schemas.ts';

export const networkSchema = z
  .object({ id: z.uuid(), name: z.string(), createdAt: timeSchema })
  .meta({ id: 'Network' });

export const networkParamsSchema = z.strictObject({ networkId: idSchema });

/** A network as REST shows it. */
export const networkToJson = (network: Network) => ({
  id: network.id,
  name: network.name,
  createdAt: toIsoTime(network.createdAtMs),
});
