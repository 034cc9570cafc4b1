import type { UserService } from '../../../domains/users/index.ts';
import { type AccountId, asId } from '../../../kernel/ids.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { pageQuerySchema, pageSchema } from '../paging.ts';
import { userSchema, userToJson } from './schemas.ts';

export const listUsers = ({ users }: { users: UserService }) =>
  defineRoute({
    operation: 'users.list',
    method: 'GET',
    path: '/api/v1/users',
    access: 'platform.operate',
    cost: COSTS.write,
    audit: 'access',
    summary: 'All users.',
    query: pageQuerySchema,
    response: pageSchema(userSchema),
    status: 200,
    errors: [],
    handle: async ({ actor, query }) => {
      const after = query.after === undefined ? null : asId<AccountId>(query.after);
      const page = await users.listUsers(actor, after, query.limit);
      return { items: page.items.map(userToJson), next: page.next };
    },
  });
