import { z } from 'zod';
import {
  MEMBERSHIP_NETWORKS_MAX,
  type Member,
  type MembershipGrant,
} from '../../../domains/tenants/index.ts';
import { ROLES } from '../../../kernel/actor.ts';
import { asId, type NetworkId } from '../../../kernel/ids.ts';
import { idSchema, timeSchema, toIsoTime } from '../schemas.ts';

const roleSchema = z
  .enum(ROLES)
  .describe(
    'owner, administrator: of the whole tenant. member: of all or single networks. guest: of single ones.',
  );

/** What a membership allows, in an answer. */
export const grantFields = {
  role: roleSchema,
  networkIds: z.array(z.uuid()).nullable().describe('Only these networks; null: the whole tenant.'),
};

/** What a membership is to allow, in a request. */
export const grantInputFields = {
  role: roleSchema,
  networkIds: z
    .array(idSchema)
    .max(MEMBERSHIP_NETWORKS_MAX)
    .nullable()
    .default(null)
    .describe('Only these networks; null, or nothing: the whole tenant.'),
};

export const memberSchema = z
  .object({ userId: z.uuid(), name: z.string(), ...grantFields, createdAt: timeSchema })
  .meta({ id: 'Member' });

export const memberParamsSchema = z.strictObject({ userId: idSchema });

/** What a membership allows, as REST shows it. */
export const grantToJson = ({ role, networkIds }: MembershipGrant) => ({
  role,
  networkIds: networkIds === null ? null : [...networkIds],
});

/** A member as REST shows it. */
export const memberToJson = (member: Member) => ({
  userId: member.accountId,
  name: member.name,
  ...grantToJson(member),
  createdAt: toIsoTime(member.createdAtMs),
});

/** What a request wants a membership to allow. */
export const grantOf = (body: {
  role: MembershipGrant['role'];
  networkIds: readonly string[] | null;
}): MembershipGrant => ({
  role: body.role,
  networkIds: body.networkIds?.map((id) => asId<NetworkId>(id)) ?? null,
});
