import { z } from 'zod';
import type { JoinedTenant } from '../../../domains/tenants/index.ts';
import { grantFields, grantToJson } from '../members/schemas.ts';
import { idSchema } from '../schemas.ts';

export const tenantSchema = z
  .object({
    id: z.uuid().describe('Name it in the header X-Tenant-Id to act there.'),
    name: z.string(),
    ...grantFields,
  })
  .meta({ id: 'Tenant' });

export const tenantParamsSchema = z.strictObject({ tenantId: idSchema });

/** A tenant as REST shows it to a member. */
export const tenantToJson = (tenant: JoinedTenant) => ({
  id: tenant.id,
  name: tenant.name,
  ...grantToJson(tenant),
});
