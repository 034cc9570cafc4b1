import { z } from 'zod';

export const paymentStandingSchema = z
  .object({
    canPay: z.boolean().describe('A verified way to pay is there.'),
    canBePaid: z
      .boolean()
      .describe('A verified way to be paid is there: devices of this user may be listed.'),
  })
  .meta({ id: 'PaymentStanding' });
