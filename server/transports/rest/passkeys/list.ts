import type { AccountService } from '../../../domains/accounts/index.ts';
import type { PasskeyId } from '../../../kernel/ids.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { pageQuery, pageSchema, timeCursor } from '../paging.ts';
import { passkeySchema, passkeyToJson } from './schemas.ts';

const cursor = timeCursor<PasskeyId>();

/** The passkeys of the account that asks, a page at a time. */
export const listPasskeys = ({ accounts }: { accounts: AccountService }) =>
  defineRoute({
    operation: 'users.passkeys.list',
    method: 'GET',
    path: '/api/v1/users/me/passkeys',
    access: 'account.read',
    cost: COSTS.write,
    audit: 'access',
    summary: 'Your passkeys, in order of creation.',
    query: pageQuery(cursor),
    response: pageSchema(passkeySchema),
    status: 200,
    errors: [],
    handle: async ({ actor, query }) => {
      const page = await accounts.listPasskeys(actor, query.after ?? null, query.limit);
      return { items: page.items.map(passkeyToJson), next: cursor.next(page.next) };
    },
  });
