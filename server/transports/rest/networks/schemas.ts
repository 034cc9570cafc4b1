import { z } from 'zod';
import type { Network } from '../../../domains/networks/index.ts';

export const networkSchema = z
  .object({ id: z.uuid(), name: z.string(), createdAt: z.iso.datetime() })
  .meta({ id: 'Network' });

/** A network as REST shows it. */
export const networkToJson = (network: Network) => ({
  id: network.id,
  name: network.name,
  createdAt: network.createdAt.toISOString(),
});
