import type { TenantService } from '../../../domains/tenants/index.ts';
import type { InvitationId } from '../../../kernel/ids.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { pageQuery, pageSchema, timeCursor } from '../paging.ts';
import { invitationSchema, invitationToJson } from './schemas.ts';

const cursor = timeCursor<InvitationId>();

/** The open invitations of the tenant, a page at a time. */
export const listInvitations = ({ tenants }: { tenants: TenantService }) =>
  defineRoute({
    operation: 'invitations.list',
    method: 'GET',
    path: '/api/v1/invitations',
    access: 'members.manage',
    cost: COSTS.write,
    audit: 'access',
    summary: 'The open invitations of the tenant, without their tokens.',
    query: pageQuery(cursor),
    response: pageSchema(invitationSchema),
    status: 200,
    errors: [],
    handle: async ({ actor, query }) => {
      const page = await tenants.listOpenInvitations(actor, query.after ?? null, query.limit);
      return { items: page.items.map(invitationToJson), next: cursor.next(page.next) };
    },
  });
