import { z } from 'zod';
import {
  type Claim,
  type ClaimView,
  DELAY_SECONDS_DEFAULT,
  DELAY_SECONDS_MAX,
  LEASE_SECONDS_DEFAULT,
  LEASE_SECONDS_MAX,
  LEASE_SECONDS_MIN,
  LOCK_MODES,
  LOCK_NAME_CHARACTERS_MAX,
  LOCK_PRIORITY_DEFAULT,
  LOCK_PRIORITY_MAX,
  type LockEntry,
  type LockScope,
  WAIT_SECONDS_MAX,
} from '../../../domains/locks/index.ts';
import { asId, type DeviceId, type NetworkId } from '../../../kernel/ids.ts';
import { NAME_PROBLEMS, toName } from '../../../kernel/name.ts';
import { idSchema, timeSchema, toIsoTime } from '../schemas.ts';

const lockNameSchema = z
  .string()
  .meta({ minLength: 1, maxLength: LOCK_NAME_CHARACTERS_MAX })
  .describe('Visible characters in Unicode, stored in NFC.')
  .transform((text, context): string => {
    const outcome = toName(text, LOCK_NAME_CHARACTERS_MAX);
    if (outcome.ok) return outcome.name;
    const { problem } = outcome;
    context.addIssue({ code: 'custom', message: NAME_PROBLEMS[problem], params: { code: problem } });
    return z.NEVER;
  });

const modeSchema = z.enum(LOCK_MODES).describe('`read` is shared with others that read.');
const prioritySchema = z.int().min(0).max(LOCK_PRIORITY_MAX);
const leaseSchema = z.number().min(LEASE_SECONDS_MIN).max(LEASE_SECONDS_MAX);
/** The highest number that JSON carries exactly. */
export const tokenSchema = z.int().min(1);

/** Where a name means something; neither: in the tenant. */
const scopeShape = {
  networkId: idSchema.optional().describe('The name is one of this network.'),
  deviceId: idSchema.optional().describe('The name is one of this device. Neither: of your tenant.'),
};
const isOneScope = ({
  networkId,
  deviceId,
}: {
  networkId?: string | undefined;
  deviceId?: string | undefined;
}) => networkId === undefined || deviceId === undefined;
const ONE_SCOPE = 'A name is one of a network or of a device: give one of both';

export const claimParamsSchema = z.strictObject({ claimId: idSchema });
export const lockParamsSchema = z.strictObject({ lockId: idSchema });

export const acquireInput = z
  .strictObject({
    name: lockNameSchema,
    ...scopeShape,
    mode: modeSchema.default('write'),
    priority: prioritySchema
      .default(LOCK_PRIORITY_DEFAULT)
      .describe('The highest goes first. Who holds a lock inherits that of who waits for it.'),
    leaseSeconds: leaseSchema
      .default(LEASE_SECONDS_DEFAULT)
      .describe('How long it is held without a renewal.'),
    waitSeconds: z
      .number()
      .min(0)
      .max(WAIT_SECONDS_MAX)
      .default(0)
      .describe('How long to wait in the queue; 0: not at all.'),
    delaySeconds: z
      .number()
      .min(0)
      .max(DELAY_SECONDS_MAX)
      .default(DELAY_SECONDS_DEFAULT)
      .describe('How long nobody gets the lock when this lease is over without a renewal.'),
    holder: lockNameSchema
      .optional()
      .describe(
        'Your name for a thread of work: deadlocks among what it takes are found. Without it each lock has its own.',
      ),
    id: idSchema
      .optional()
      .describe(
        'Yours for this claim. Asked again with it within ten seconds, you keep your place, or get the same lock; without it you leave the queue.',
      ),
  })
  .refine(isOneScope, ONE_SCOPE);

export const renewInput = z.strictObject({
  leaseSeconds: leaseSchema.optional().describe('As before when not said.'),
});

export const checkInput = z
  .strictObject({ name: lockNameSchema, ...scopeShape, token: tokenSchema })
  .refine(isOneScope, ONE_SCOPE);

/** A list's filters. */
export const listShape = {
  ...scopeShape,
  name: lockNameSchema.optional(),
  idle: z.enum(['true', 'false']).default('false').describe('`true`: also names that nobody has.'),
};

const shownScope = { networkId: z.uuid().nullable(), deviceId: z.uuid().nullable() };

/** One holder's claim. */
export const claimSchema = z
  .object({
    id: z.uuid(),
    lockId: z.uuid(),
    name: z.string(),
    ...shownScope,
    status: z.enum(['held', 'waiting']),
    mode: modeSchema,
    token: z
      .int()
      .nullable()
      .describe(
        'Higher than all before it of this name: send it along with what the lock guards. Null: not held.',
      ),
    holder: z.string(),
    priority: prioritySchema,
    effectivePriority: prioritySchema.describe('With what it inherits.'),
    position: z.int().nullable().describe('How many go before it; null: it is held.'),
    expiresAt: timeSchema.describe("By the database's clock. Of one that waits, of its place."),
    expiresInSeconds: z.number().describe('From when the answer was made: of use where clocks differ.'),
  })
  .meta({ id: 'LockClaim' });

const participantSchema = z.object({
  principal: z.string().describe('`account:<id>` or `device:<id>`.'),
  holder: z.string(),
  mode: modeSchema,
  token: z.int().nullable(),
  priority: prioritySchema,
  effectivePriority: prioritySchema,
  since: timeSchema,
  expiresAt: timeSchema,
});

/** A lock in the registry. */
export const lockSchema = z
  .object({
    id: z.uuid(),
    name: z.string(),
    ...shownScope,
    lastToken: z.int().describe('The last one that was given.'),
    holders: z.array(participantSchema),
    queue: z.array(participantSchema).describe('Who waits, in order: the first hundred.'),
    waiting: z.int(),
  })
  .meta({ id: 'Lock' });

/** A scope as it is asked for. */
export const askedScope = ({
  networkId,
  deviceId,
}: {
  networkId?: string | undefined;
  deviceId?: string | undefined;
}) => ({
  networkId: networkId === undefined ? null : asId<NetworkId>(networkId),
  deviceId: deviceId === undefined ? null : asId<DeviceId>(deviceId),
});

const scopeToJson = ({ networkId, deviceId }: LockScope) => ({ networkId, deviceId });

/** A claim as REST shows it. */
export const claimToJson = (claim: ClaimView) => ({
  id: claim.id,
  lockId: claim.lock.id,
  name: claim.lock.name,
  ...scopeToJson(claim.lock.scope),
  status: claim.state === 'held' ? ('held' as const) : ('waiting' as const),
  mode: claim.mode,
  token: claim.token,
  holder: claim.holder,
  priority: claim.priority,
  effectivePriority: claim.effectivePriority,
  position: claim.position,
  expiresAt: toIsoTime(claim.expiresAtMs),
  expiresInSeconds: Math.max(0, claim.expiresAtMs - claim.atMs) / 1000,
});

const participantToJson = ({ principal, sinceMs, expiresAtMs, ...claim }: Claim) => ({
  principal: `${principal.kind}:${principal.id}`,
  holder: claim.holder,
  mode: claim.mode,
  token: claim.token,
  priority: claim.priority,
  effectivePriority: claim.effectivePriority,
  since: toIsoTime(sinceMs),
  expiresAt: toIsoTime(expiresAtMs),
});

/** A lock as REST shows it. */
export const lockToJson = (lock: LockEntry) => ({
  id: lock.id,
  name: lock.name,
  ...scopeToJson(lock.scope),
  lastToken: lock.lastToken,
  holders: lock.holders.map(participantToJson),
  queue: lock.queue.map(participantToJson),
  waiting: lock.waiting,
});
