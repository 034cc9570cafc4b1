import { z } from 'zod';
import { IDEMPOTENCY_KEY } from '../../kernel/idempotency-key.ts';

/** The header under which an operation is carried out once. */
export const idempotencyKeySchema = z
  .string()
  .regex(IDEMPOTENCY_KEY)
  .describe(
    'Of your choice. Under the same key the same request is carried out once, and answered the same again.',
  );
