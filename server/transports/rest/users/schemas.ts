import { z } from 'zod';
import type { User } from '../../../domains/users/index.ts';

export const userSchema = z
  .object({
    id: z.uuid(),
    name: z.string(),
    operator: z.boolean().describe('Runs the platform.'),
    createdAt: z.iso.datetime(),
  })
  .meta({ id: 'User' });

export const newUserSchema = z.object({
  user: userSchema,
  token: z.string().describe('The credential of the user, shown this once.'),
});

export const userNameSchema = z.string().trim().min(1).max(100);

/** A user as REST shows it. */
export const userToJson = (user: User) => ({
  id: user.id,
  name: user.name,
  operator: user.operator,
  createdAt: user.createdAt.toISOString(),
});
