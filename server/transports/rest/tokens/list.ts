import type { AccountService } from '../../../domains/accounts/index.ts';
import type { CredentialId } from '../../../kernel/ids.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { pageQuery, pageSchema, timeCursor } from '../paging.ts';
import { tokenSchema, tokenToJson } from './schemas.ts';

const cursor = timeCursor<CredentialId>();

/** The tokens of the account that asks, a page at a time. */
export const listTokens = ({ accounts }: { accounts: AccountService }) =>
  defineRoute({
    operation: 'users.tokens.list',
    method: 'GET',
    path: '/api/v1/users/me/tokens',
    access: 'account.read',
    cost: COSTS.write,
    audit: 'access',
    summary: 'Your tokens, without their secrets.',
    query: pageQuery(cursor),
    response: pageSchema(tokenSchema),
    status: 200,
    errors: [],
    handle: async ({ actor, query }) => {
      const page = await accounts.listTokens(actor, query.after ?? null, query.limit);
      return { items: page.items.map((token) => tokenToJson(token, actor)), next: cursor.next(page.next) };
    },
  });
