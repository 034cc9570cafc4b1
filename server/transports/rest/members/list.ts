import type { TenantService } from '../../../domains/tenants/index.ts';
import type { AccountId } from '../../../kernel/ids.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { idCursor, pageQuery, pageSchema } from '../paging.ts';
import { memberSchema, memberToJson } from './schemas.ts';

const cursor = idCursor<AccountId>();

/** The members of the tenant. */
export const listMembers = ({ tenants }: { tenants: TenantService }) =>
  defineRoute({
    operation: 'members.list',
    method: 'GET',
    path: '/api/v1/members',
    access: 'account.read',
    cost: COSTS.write,
    audit: 'none',
    summary: 'The members of the tenant. Who is a member for single networks sees itself.',
    query: pageQuery(cursor),
    response: pageSchema(memberSchema),
    status: 200,
    errors: [],
    handle: async ({ actor, query }) => {
      const page = await tenants.listMembers(actor, query.after ?? null, query.limit);
      return { items: page.items.map(memberToJson), next: cursor.next(page.next) };
    },
  });
