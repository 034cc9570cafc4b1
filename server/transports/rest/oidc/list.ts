import { z } from 'zod';
import type { AccountService } from '../../../domains/accounts/index.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';

/** The providers that people may sign in with here. */
export const listIdentityProviders = ({ accounts }: { accounts: AccountService }) =>
  defineRoute({
    operation: 'users.oidc.list',
    method: 'GET',
    path: '/api/v1/users/oidc',
    access: 'public',
    cost: COSTS.read,
    audit: 'none',
    summary: 'The providers of OpenID Connect that you may sign in with.',
    response: z.object({ items: z.array(z.object({ name: z.string(), title: z.string() })) }),
    status: 200,
    errors: [],
    handle: async () => ({ items: accounts.listProviders().map(({ name, title }) => ({ name, title })) }),
  });
