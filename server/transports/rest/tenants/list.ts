import { z } from 'zod';
import type { TenantService } from '../../../domains/tenants/index.ts';
import type { TenantId } from '../../../kernel/ids.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { grantFields, grantToJson } from '../members/schemas.ts';
import { pageQuery, pageSchema, timeCursor } from '../paging.ts';

const tenantSchema = z
  .object({
    id: z.uuid().describe('Name it in the header X-Tenant-Id to act there.'),
    name: z.string(),
    ...grantFields,
  })
  .meta({ id: 'Tenant' });

const cursor = timeCursor<TenantId>();

/** The tenants of the user who asks. */
export const listTenants = ({ tenants }: { tenants: TenantService }) =>
  defineRoute({
    operation: 'tenants.list',
    method: 'GET',
    path: '/api/v1/tenants',
    access: 'account.read',
    cost: COSTS.write,
    audit: 'none',
    summary: 'The tenants that you are a member of, and what you may there.',
    query: pageQuery(cursor),
    response: pageSchema(tenantSchema),
    status: 200,
    errors: [],
    handle: async ({ actor, query }) => {
      const page = await tenants.listTenants(actor, query.after ?? null, query.limit);
      const items = page.items.map((tenant) => ({
        id: tenant.id,
        name: tenant.name,
        ...grantToJson(tenant),
      }));
      return { items, next: cursor.next(page.next) };
    },
  });
