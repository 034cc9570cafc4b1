import { z } from 'zod';
import type { AdministrationService } from '../../../domains/administration/index.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';

export const settingSchema = z
  .object({
    variable: z.string(),
    value: z.string().nullable().describe('As it is in force; null: it is not set, or it is secret.'),
    isSet: z.boolean().describe('False: nothing else than the default is in force.'),
    isSecret: z.boolean(),
    description: z.string(),
  })
  .meta({ id: 'Setting' });

/** For operators: how the server is configured. */
export const getConfiguration = ({ administration }: { administration: AdministrationService }) =>
  defineRoute({
    operation: 'admin.configuration.get',
    method: 'GET',
    path: '/api/v1/admin/configuration',
    access: 'platform.operate',
    cost: COSTS.read,
    audit: 'access',
    summary: 'The configuration that is in force, without what is secret in it.',
    response: z.object({ items: z.array(settingSchema) }),
    status: 200,
    errors: [],
    handle: async ({ actor }) => ({ items: [...(await administration.listSettings(actor))] }),
  });
