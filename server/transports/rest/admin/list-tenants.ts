import { z } from 'zod';
import type { AdministrationService } from '../../../domains/administration/index.ts';
import type { TenantId } from '../../../kernel/ids.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { idCursor, pageQuery, pageSchema } from '../paging.ts';
import { timeSchema, toIsoTime } from '../schemas.ts';

const cursor = idCursor<TenantId>();
export const hostedTenantSchema = z
  .object({
    id: z.uuid(),
    ownerIds: z.array(z.uuid()).describe('The users that own it.'),
    members: z.int(),
    createdAt: timeSchema,
  })
  .meta({ id: 'HostedTenant' });

/** For operators: all tenants, without what is theirs. */
export const listHostedTenants = ({ administration }: { administration: AdministrationService }) =>
  defineRoute({
    operation: 'admin.tenants.list',
    method: 'GET',
    path: '/api/v1/admin/tenants',
    access: 'platform.operate',
    cost: COSTS.write,
    audit: 'access',
    summary:
      'All tenants: who owns them and how many members they have. Their names and what they have is their own.',
    query: pageQuery(cursor),
    response: pageSchema(hostedTenantSchema),
    status: 200,
    errors: [],
    async handle({ actor, query }) {
      const page = await administration.listTenants(actor, query.after ?? null, query.limit);
      return {
        items: page.items.map(({ id, ownerIds, members, createdAtMs }) => ({
          id,
          ownerIds: [...ownerIds],
          members,
          createdAt: toIsoTime(createdAtMs),
        })),
        next: cursor.next(page.next),
      };
    },
  });
