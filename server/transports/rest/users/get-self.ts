import { z } from 'zod';
import type { AccountService } from '../../../domains/accounts/index.ts';
import type { NetworkService } from '../../../domains/networks/index.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { ownUserSchema, ownUserToJson } from './schemas.ts';

/** The account that asks, with what a device needs that somebody signs in with away from home. */
export const getSelf = ({ accounts, networks }: { accounts: AccountService; networks: NetworkService }) =>
  defineRoute({
    operation: 'users.getSelf',
    method: 'GET',
    path: '/api/v1/users/me',
    access: 'account.read',
    cost: COSTS.read,
    audit: 'none',
    summary: 'The user who asks.',
    response: ownUserSchema.extend({
      homeNetworkId: z
        .uuid()
        .nullable()
        .describe(
          'The oldest network of your own tenant: where a new device finds your others. Null: you have none, act for another tenant, or ask by an API key.',
        ),
    }),
    status: 200,
    errors: ['user_not_found'],
    handle: async ({ actor }) => {
      const account = await accounts.getSelf(actor);
      const isAtHome = actor.tenantId === account.homeTenantId && actor.scope === undefined;
      const oldest = isAtHome ? (await networks.listNetworks(actor, null, 1)).items[0] : undefined;
      return { ...ownUserToJson(account), homeNetworkId: oldest?.id ?? null };
    },
  });
