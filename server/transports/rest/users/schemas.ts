import { z } from 'zod';
import type { Account } from '../../../domains/accounts/index.ts';
import { timeSchema, toIsoTime } from '../schemas.ts';

export const userSchema = z
  .object({
    id: z.uuid(),
    name: z.string(),
    operator: z.boolean().describe('Runs the platform.'),
    createdAt: timeSchema,
  })
  .meta({ id: 'User' });

export const newUserSchema = z.object({
  user: userSchema,
  token: z.string().describe('The credential of the user, shown this once.'),
});

/** A user as REST shows it. */
export const userToJson = ({ id, name, operator, createdAtMs }: Account) => ({
  id,
  name,
  operator,
  createdAt: toIsoTime(createdAtMs),
});
