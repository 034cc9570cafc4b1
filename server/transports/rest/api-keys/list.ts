import type { AccountService } from '../../../domains/accounts/index.ts';
import type { CredentialId } from '../../../kernel/ids.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { pageQuery, pageSchema, timeCursor } from '../paging.ts';
import { apiKeySchema, apiKeyToJson } from './schemas.ts';

const cursor = timeCursor<CredentialId>();

/** The API keys of the account that asks for the tenant that it acts in, a page at a time. */
export const listApiKeys = ({ accounts }: { accounts: AccountService }) =>
  defineRoute({
    operation: 'users.apiKeys.list',
    method: 'GET',
    path: '/api/v1/users/me/api-keys',
    access: 'account.read',
    cost: COSTS.write,
    audit: 'access',
    summary: 'Your API keys for the tenant you act in, with what they have spent, without their secrets.',
    query: pageQuery(cursor),
    response: pageSchema(apiKeySchema),
    status: 200,
    errors: [],
    handle: async ({ actor, query }) => {
      const page = await accounts.listApiKeys(actor, query.after ?? null, query.limit);
      return { items: page.items.map(apiKeyToJson), next: cursor.next(page.next) };
    },
  });
