import { z } from 'zod';
import type { AccountService } from '../../../domains/accounts/index.ts';
import type { IdentityId } from '../../../kernel/ids.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { pageQuery, pageSchema, timeCursor } from '../paging.ts';
import { timeSchema, toIsoTime } from '../schemas.ts';

const cursor = timeCursor<IdentityId>();

const identitySchema = z
  .object({
    id: z.uuid(),
    issuer: z.string().describe('Who says that it is you.'),
    title: z
      .string()
      .nullable()
      .describe('What the provider is called; null: nobody signs in with it here any more.'),
    createdAt: timeSchema.describe('When you signed in with it first.'),
  })
  .meta({ id: 'LinkedIdentity' });

/** The identities that open the account which asks, a page at a time. */
export const listIdentities = ({ accounts }: { accounts: AccountService }) =>
  defineRoute({
    operation: 'users.identities.list',
    method: 'GET',
    path: '/api/v1/users/me/identities',
    access: 'account.read',
    cost: COSTS.write,
    audit: 'access',
    summary: 'Whom providers of OpenID Connect take you for: who is signed in there gets into your account.',
    query: pageQuery(cursor),
    response: pageSchema(identitySchema),
    status: 200,
    errors: [],
    handle: async ({ actor, query }) => {
      const page = await accounts.listIdentities(actor, query.after ?? null, query.limit);
      const items = page.items.map(({ id, issuer, title, createdAtMs }) => ({
        id,
        issuer,
        title,
        createdAt: toIsoTime(createdAtMs),
      }));
      return { items, next: cursor.next(page.next) };
    },
  });
