import { z } from 'zod';
import type { AdministrationService } from '../../../domains/administration/index.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { timeSchema, toIsoTime } from '../schemas.ts';

const nodeSchema = z
  .object({
    id: z.uuid(),
    isThis: z.boolean().describe('It is the one that answers.'),
    leaseUntil: timeSchema.describe('It serves until then, and renews that as long as it lives.'),
    jobs: z.array(z.string()).describe('What it does besides, at set times.'),
  })
  .meta({ id: 'Node' });

/** For operators: the servers of this database. */
export const listNodes = ({ administration }: { administration: AdministrationService }) =>
  defineRoute({
    operation: 'admin.nodes.list',
    method: 'GET',
    path: '/api/v1/admin/nodes',
    access: 'platform.operate',
    cost: COSTS.read,
    audit: 'none',
    summary: 'The servers that serve from this database: one at a time has the lease.',
    response: z.object({ items: z.array(nodeSchema) }),
    status: 200,
    errors: [],
    async handle({ actor }) {
      const nodes = await administration.listNodes(actor);
      return {
        items: nodes.map(({ id, isThis, leaseUntilMs, jobs }) => ({
          id,
          isThis,
          leaseUntil: toIsoTime(leaseUntilMs),
          jobs: [...jobs],
        })),
      };
    },
  });
