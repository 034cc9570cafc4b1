import { z } from 'zod';
import {
  DISPUTE_REASONS,
  DISPUTE_STATES,
  type Dispute,
  STATEMENT_CHARACTERS_MAX,
} from '../../../domains/disputes/index.ts';
import type { DisputeId } from '../../../kernel/ids.ts';
import { moneyToJson } from '../../../kernel/money.ts';
import { moneySchema } from '../ledger/schemas.ts';
import { timeCursor } from '../paging.ts';
import { idSchema, timeSchema, toIsoTime, toIsoTimeOrNull } from '../schemas.ts';

/** Where a list of disputes goes on. */
export const disputeCursor = timeCursor<DisputeId>();

export const disputeParams = z.strictObject({
  disputeId: idSchema.transform((id) => id as DisputeId),
});

/** What somebody has to say: nothing that a database can't keep. */
export const statementSchema = z
  .string()
  .min(1)
  .max(STATEMENT_CHARACTERS_MAX)
  .refine((text) => text.isWellFormed() && text.trim() !== '', 'Must be well-formed text that says something')
  .describe('What you have to say, and what shows it. The other side reads it; it is kept sealed.');

export const reasonSchema = z.enum(DISPUTE_REASONS);
export const stateFilter = z.enum(DISPUTE_STATES).optional();

const decisionShape = {
  outcome: z.enum(DISPUTE_STATES),
  rule: z
    .string()
    .describe(
      '`operator` for a person, `providers_agreed`, `withdrawn`, `unanswered`, `undecided` for a rule.',
    ),
  reason: z.string(),
  decidedAt: timeSchema,
};

const disputeShape = {
  id: z.uuid(),
  transactionId: z.uuid(),
  side: z.enum(['requester', 'provider', 'operator']).describe('Yours.'),
  state: z.enum(DISPUTE_STATES),
  reason: reasonSchema,
  model: z.string(),
  cost: moneySchema.describe('What the transaction cost; to a provider, what of that was for its own part.'),
  refunded: moneySchema.describe('What of it goes back to who asked.'),
  openedAt: timeSchema,
  decidedByRuleAt: timeSchema.describe('When it ends by a rule, if nobody has decided until then.'),
  decidedAt: timeSchema.nullable(),
  providers: z.array(z.object({ providerId: z.uuid(), cost: moneySchema, hasAgreed: z.boolean() })),
  statements: z
    .array(z.object({ side: z.enum(['requester', 'provider']), text: z.string(), saidAt: timeSchema }))
    .describe('The oldest first.'),
};

export const disputeSchema = z
  .object({ ...disputeShape, decisions: z.array(z.object(decisionShape)) })
  .meta({ id: 'Dispute' });

/** A dispute as an operator sees it. */
export const disputeToDecideSchema = z
  .object({
    ...disputeShape,
    decisions: z.array(z.object({ ...decisionShape, decidedBy: z.uuid().nullable() })),
  })
  .meta({ id: 'DisputeToDecide' });

const commonToJson = ({ costMicrocents, refundedMicrocents, ...dispute }: Dispute) => {
  const {
    createdAtMs,
    decidedByRuleAtMs,
    decidedAtMs,
    providers,
    statements,
    decisions: _,
    ...same
  } = dispute;
  return {
    ...same,
    cost: moneyToJson(costMicrocents),
    refunded: moneyToJson(refundedMicrocents),
    openedAt: toIsoTime(createdAtMs),
    decidedByRuleAt: toIsoTime(decidedByRuleAtMs),
    decidedAt: toIsoTimeOrNull(decidedAtMs),
    providers: providers.map((provider) => ({
      providerId: provider.providerId,
      cost: moneyToJson(provider.costMicrocents),
      hasAgreed: provider.hasAgreed,
    })),
    statements: statements.map(({ saidAtMs, ...said }) => ({ ...said, saidAt: toIsoTime(saidAtMs) })),
  };
};

const decisionToJson = ({ outcome, rule, reason, decidedAtMs }: Dispute['decisions'][number]) => ({
  outcome,
  rule,
  reason,
  decidedAt: toIsoTime(decidedAtMs),
});

/** A dispute as REST shows it to one of its sides: not which operator decided. */
export const disputeToJson = (dispute: Dispute) => ({
  ...commonToJson(dispute),
  decisions: dispute.decisions.map(decisionToJson),
});

/** The same for operators. */
export const disputeToDecideToJson = (dispute: Dispute) => ({
  ...commonToJson(dispute),
  decisions: dispute.decisions.map((decision) => ({
    ...decisionToJson(decision),
    decidedBy: decision.decidedBy,
  })),
});
