import type { AccountService } from '../../../domains/accounts/index.ts';
import type { AccountId } from '../../../kernel/ids.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { pageQuery, pageSchema, timeCursor } from '../paging.ts';
import { userSchema, userToJson } from './schemas.ts';

const cursor = timeCursor<AccountId>();

/** For operators: all accounts, a page at a time. */
export const listUsers = ({ accounts }: { accounts: AccountService }) =>
  defineRoute({
    operation: 'users.list',
    method: 'GET',
    path: '/api/v1/users',
    access: 'platform.operate',
    cost: COSTS.write,
    audit: 'access',
    summary: 'All users.',
    query: pageQuery(cursor),
    response: pageSchema(userSchema),
    status: 200,
    errors: [],
    handle: async ({ actor, query }) => {
      const page = await accounts.listAccounts(actor, query.after ?? null, query.limit);
      return { items: page.items.map(userToJson), next: cursor.next(page.next) };
    },
  });
