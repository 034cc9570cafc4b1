import { z } from 'zod';
import type { DeviceGroup } from '../../../domains/groups/index.ts';
import { asId, type NetworkId } from '../../../kernel/ids.ts';
import { idSchema, timeSchema, toIsoTime } from '../schemas.ts';

export const groupParamsSchema = z.strictObject({ networkId: idSchema, groupId: idSchema });

export const groupSchema = z
  .object({
    id: z.uuid().describe('The destination of frames to the group.'),
    networkId: z.uuid(),
    name: z.string(),
    createdAt: timeSchema,
    members: z.int(),
  })
  .meta({ id: 'DeviceGroup' });

/** A group as REST shows it. */
export const groupToJson = ({ createdAtMs, ...group }: DeviceGroup) => ({
  ...group,
  createdAt: toIsoTime(createdAtMs),
});

/** Which group a path names. */
export const groupOf = ({ networkId, groupId }: z.output<typeof groupParamsSchema>) => ({
  networkId: asId<NetworkId>(networkId),
  groupId,
});
