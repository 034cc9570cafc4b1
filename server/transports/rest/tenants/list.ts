import type { TenantService } from '../../../domains/tenants/index.ts';
import type { TenantId } from '../../../kernel/ids.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { pageQuery, pageSchema, timeCursor } from '../paging.ts';
import { tenantSchema, tenantToJson } from './schemas.ts';

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
      return { items: page.items.map(tenantToJson), next: cursor.next(page.next) };
    },
  });
