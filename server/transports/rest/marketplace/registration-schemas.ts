import { z } from 'zod';
import {
  CONTEXT_TOKENS_MAX,
  OFFERED_MODELS_MAX,
  SLOTS_MAX,
  WITHHELD_REASONS,
} from '../../../domains/providers/index.ts';
import {
  type Decision,
  NOTE_CHARACTERS_MAX,
  REGISTRATION_STATES,
  RETENTION_DAYS_MAX,
  type Registration,
  SHARINGS,
  type StoredRegistration,
  type TermsInput,
  WAIT_SECONDS_MAX,
  WEEKDAYS,
  WEEKLY_TIMES_MAX,
} from '../../../domains/registrations/index.ts';
import { priceToText } from '../../../kernel/money.ts';
import { NAME_PROBLEMS, toName } from '../../../kernel/name.ts';
import { idSchema, timeSchema, toIsoTime, toIsoTimeOrNull } from '../schemas.ts';
import { shownDataPolicy, shownHardware } from './schemas.ts';

const price = z.string().max(40).describe('Cents for 1000 tokens, in decimal with up to six places.');
const share = z.number().min(0).max(1);

const note = z
  .string()
  .meta({ minLength: 1, maxLength: NOTE_CHARACTERS_MAX })
  .transform((text, context): string => {
    const outcome = toName(text, NOTE_CHARACTERS_MAX);
    if (outcome.ok) return outcome.name;
    context.addIssue({ code: 'custom', message: NAME_PROBLEMS[outcome.problem] });
    return z.NEVER;
  });

const hoursSchema = z
  .strictObject({
    timeZone: z.string().max(64).describe('An IANA name: `Europe/Berlin`.'),
    weekly: z
      .array(
        z.strictObject({
          days: z.array(z.enum(WEEKDAYS)).max(WEEKDAYS.length),
          from: z.string().max(5).describe('`22:15`, on a quarter of an hour.'),
          to: z.string().max(5).describe('Up to `24:00`; one before `from` is of the next day.'),
        }),
      )
      .max(WEEKLY_TIMES_MAX),
  })
  .describe('When it is sold, by the clocks of that place.');
const dataPolicySchema = z
  .strictObject({
    retentionDays: z.int().min(0).max(RETENTION_DAYS_MAX).describe('0: not kept beyond the request.'),
    trainsOnData: z.boolean(),
    note: note.nullable().default(null),
  })
  .describe('What its owner says that becomes of prompts and answers; nobody can check it.');
const hardwareSchema = z.strictObject({
  name: note,
  memoryGigabytes: z.number().min(0).max(1_000_000).nullable().default(null),
});

const termsShape = {
  models: z
    .array(
      z.strictObject({
        name: z.string().min(1).max(128),
        prices: z.union([
          price,
          z.strictObject({ prompt: price, cachedPrompt: price.optional(), completion: price }),
        ]),
        contextTokensMax: z
          .int()
          .min(1)
          .max(CONTEXT_TOKENS_MAX)
          .nullable()
          .default(null)
          .describe('null: as much as its program says.'),
      }),
    )
    .min(1)
    .max(OFFERED_MODELS_MAX),
  slots: z.int().min(1).max(SLOTS_MAX).describe('Requests at the same time; its program may say fewer.'),
  hours: hoursSchema.nullable().default(null),
  sharing: z.enum(SHARINGS).default('everybody'),
  qualityMin: share.nullable().default(null).describe('It is not sold while its quality is below.'),
  waitSecondsMax: z
    .number()
    .min(0)
    .max(WAIT_SECONDS_MAX)
    .nullable()
    .default(null)
    .describe('A model is not sold while its first token takes longer.'),
  dataPolicy: dataPolicySchema.nullable().default(null),
  hardware: hardwareSchema.nullable().default(null),
  isActive: z.boolean().default(true).describe('false: paused.'),
};

export const registerBody = z.strictObject({ deviceId: idSchema, ...termsShape });
export const updateBody = z.strictObject(termsShape);
export const providerParams = z.strictObject({ providerId: idSchema });

/** What is asked for, as the service takes it. */
export const toTerms = ({ models, ...terms }: Omit<z.output<typeof updateBody>, 'isActive'>): TermsInput => ({
  ...terms,
  models: models.map(({ prices, ...model }) => ({
    ...model,
    prices: typeof prices === 'string' ? prices : pricesOf(prices),
  })),
});

function pricesOf({
  prompt,
  cachedPrompt = prompt,
  completion,
}: {
  prompt: string;
  cachedPrompt?: string | undefined;
  completion: string;
}) {
  return { prompt, cachedPrompt, completion };
}

const decisionSchema = z.object({
  outcome: z.enum(REGISTRATION_STATES),
  rule: z.string().describe('Which rule decided; `operator` for a person.'),
  reason: z.string(),
  decidedAt: timeSchema,
});

const storedShape = {
  id: z.uuid(),
  deviceId: z.uuid(),
  origin: z
    .enum(['owner', 'device'])
    .describe('Who says what is sold: its owner, whose word binds, or its program.'),
  isActive: z.boolean(),
  state: z.enum(REGISTRATION_STATES),
  models: z.array(
    z.object({
      name: z.string(),
      prices: z.object({ prompt: price, cachedPrompt: price, completion: price }),
      contextTokensMax: z.int().nullable(),
    }),
  ),
  slots: z.int(),
  hours: hoursSchema.nullable(),
  sharing: z.enum(SHARINGS),
  qualityMin: share.nullable(),
  waitSecondsMax: z.number().nullable(),
  dataPolicy: shownDataPolicy,
  hardware: shownHardware,
  createdAt: timeSchema,
  changedAt: timeSchema,
};

/** A registration as its owner sees it. */
export const registrationSchema = z
  .object({
    ...storedShape,
    isConnected: z.boolean(),
    withheld: z
      .enum(WITHHELD_REASONS)
      .nullable()
      .describe('Why nothing is sold now; null: it is on the market.'),
    nextChangeAt: timeSchema
      .nullable()
      .describe('When its hours begin, or end where they have begun; of a single one only.'),
    lastTest: z
      .object({
        at: timeSchema,
        model: z.string(),
        connectionMs: z.number().nullable().describe('Of a message to its program and back.'),
        firstTokenMs: z.number().nullable(),
        tokensPerSecond: z.number().nullable(),
        failureCode: z.string().nullable().describe('null: it was answered.'),
      })
      .nullable(),
    decisions: z.array(decisionSchema).describe('The newest first; of a single one only.'),
  })
  .meta({ id: 'ProviderRegistration' });

/** A registration as an operator sees it. */
export const registrationToDecideSchema = z
  .object({
    ...storedShape,
    tenantId: z.uuid(),
    decision: decisionSchema.extend({ decidedBy: z.uuid().nullable() }).nullable(),
  })
  .meta({ id: 'ProviderRegistrationToDecide' });

const storedToJson = ({
  providerId,
  deviceId,
  origin,
  isActive,
  state,
  terms,
  ...times
}: StoredRegistration) => {
  const { models, waitMsMax, hours, ...same } = terms;
  return {
    id: providerId,
    deviceId,
    origin,
    isActive,
    state,
    ...same,
    hours: hours && { ...hours, weekly: hours.weekly.map((time) => ({ ...time, days: [...time.days] })) },
    models: models.map(({ name, prices, contextTokensMax }) => ({
      name,
      prices: {
        prompt: priceToText(prices.prompt),
        cachedPrompt: priceToText(prices.cachedPrompt),
        completion: priceToText(prices.completion),
      },
      contextTokensMax: contextTokensMax === CONTEXT_TOKENS_MAX ? null : contextTokensMax,
    })),
    waitSecondsMax: waitMsMax === null ? null : waitMsMax / 1_000,
    createdAt: toIsoTime(times.createdAtMs),
    changedAt: toIsoTime(times.changedAtMs),
  };
};

const decisionToJson = ({ outcome, rule, reason, decidedAtMs }: Decision) => ({
  outcome,
  rule,
  reason,
  decidedAt: toIsoTime(decidedAtMs),
});

/** A registration as REST shows it to its owner: not which operator decided. */
export const registrationToJson = (registration: Registration) => {
  const { lastTest, decisions, isConnected, withheld, nextChangeMs } = registration;
  return {
    ...storedToJson(registration),
    isConnected,
    withheld,
    nextChangeAt: toIsoTimeOrNull(nextChangeMs),
    lastTest: lastTest && testToJson(lastTest),
    decisions: decisions.map(decisionToJson),
  };
};

function testToJson({ atMs, ...test }: NonNullable<Registration['lastTest']>) {
  return { ...test, at: toIsoTime(atMs) };
}

/** The same for operators. */
export const registrationToDecideToJson = (
  registration: StoredRegistration & { readonly decision: Decision | null },
) => ({
  ...storedToJson(registration),
  tenantId: registration.tenantId,
  decision: registration.decision && {
    ...decisionToJson(registration.decision),
    decidedBy: registration.decision.decidedBy,
  },
});
