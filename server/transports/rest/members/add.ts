import { z } from 'zod';
import type { TenantService } from '../../../domains/tenants/index.ts';
import { type AccountId, asId } from '../../../kernel/ids.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { idSchema } from '../schemas.ts';
import { grantInputFields, grantOf, memberSchema, memberToJson } from './schemas.ts';

/** Makes a user a member of the tenant. */
export const addMember = ({ tenants }: { tenants: TenantService }) =>
  defineRoute({
    operation: 'members.add',
    method: 'POST',
    path: '/api/v1/members',
    access: 'members.manage',
    cost: COSTS.write,
    audit: 'change',
    needsProof: true,
    summary: 'Makes a user a member of the tenant, with a role.',
    body: z.strictObject({ userId: idSchema, ...grantInputFields }),
    response: memberSchema,
    status: 201,
    errors: ['user_not_found', 'network_not_found', 'member_exists', 'limit_reached'],
    handle: async ({ actor, body }) =>
      memberToJson(await tenants.addMember(actor, asId<AccountId>(body.userId), grantOf(body))),
  });
