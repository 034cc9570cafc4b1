import { z } from 'zod';
import type { UserService } from '../../../domains/users/index.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { nameSchema } from '../schemas.ts';
import { newUserSchema, userToJson } from './schemas.ts';

export const createUser = ({ users }: { users: UserService }) =>
  defineRoute({
    operation: 'users.create',
    method: 'POST',
    path: '/api/v1/users',
    access: 'platform.operate',
    cost: COSTS.write,
    audit: 'change',
    summary: 'A new user, with a tenant of its own and a token.',
    body: z.strictObject({ name: nameSchema }),
    response: newUserSchema,
    status: 201,
    errors: [],
    handle: async ({ actor, body }) => {
      const { user, token } = await users.createUser(actor, body.name);
      return { user: userToJson(user), token };
    },
  });
