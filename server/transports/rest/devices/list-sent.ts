import { z } from 'zod';
import type { CommandService } from '../../../domains/commands/index.ts';
import { asId, type DeviceId } from '../../../kernel/ids.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { timeSchema, toIsoTime, toIsoTimeOrNull } from '../schemas.ts';
import { deviceParamsSchema } from './schemas.ts';

/** A command as REST shows it. */
export const sentCommandSchema = z
  .object({
    id: z.uuid(),
    networkId: z.uuid(),
    accountId: z.uuid().describe('Who sent it.'),
    sentAt: timeSchema,
    name: z.string(),
    arguments: z
      .record(z.string(), z.union([z.number(), z.boolean(), z.string()]))
      .describe('The first of them; long texts are cut.'),
    answeredAt: timeSchema.nullable().describe('When it was answered, or not taken; null: not yet.'),
    error: z.string().nullable().describe('The code that it failed with.'),
  })
  .meta({ id: 'SentCommand' });

/** What was sent to a device lately. */
export const listSentCommands = ({ commands }: { commands: CommandService }) =>
  defineRoute({
    operation: 'devices.commands.list',
    method: 'GET',
    path: '/api/v1/devices/:deviceId/commands',
    access: 'devices.read',
    cost: COSTS.write,
    audit: 'none',
    summary:
      'The commands that your tenant has sent to a device over this API lately, and what became of them; the last first.',
    params: deviceParamsSchema,
    response: z.object({ items: z.array(sentCommandSchema) }),
    status: 200,
    errors: ['device_not_found'],
    async handle({ actor, params }) {
      const items = await commands.listSent(actor, asId<DeviceId>(params.deviceId));
      return {
        items: items.map(({ deviceId: _, sentAtMs, answeredAtMs, errorCode, ...command }) => ({
          ...command,
          sentAt: toIsoTime(sentAtMs),
          answeredAt: toIsoTimeOrNull(answeredAtMs),
          error: errorCode,
          arguments: { ...command.arguments },
        })),
      };
    },
  });
