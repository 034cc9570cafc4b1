import { z } from 'zod';
import type { ProviderId } from '../../../domains/providers/index.ts';
import { REGISTRATION_STATES, type RegistrationService } from '../../../domains/registrations/index.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import {
  registrationToDecideSchema,
  registrationToDecideToJson,
} from '../marketplace/registration-schemas.ts';
import { idCursor, pageQuery, pageSchema } from '../paging.ts';

const cursor = idCursor<ProviderId>();

/** For operators: registrations of providers that wait, or were decided about. */
export const listRegistrations = ({ registrations }: { registrations: RegistrationService }) =>
  defineRoute({
    operation: 'admin.providers.list',
    method: 'GET',
    path: '/api/v1/admin/provider-registrations',
    access: 'platform.operate',
    cost: COSTS.write,
    audit: 'access',
    summary: 'Registrations of providers, those that wait for a decision unless `state` says otherwise.',
    query: pageQuery(cursor).extend({ state: z.enum(REGISTRATION_STATES).default('waiting') }),
    response: pageSchema(registrationToDecideSchema),
    status: 200,
    errors: [],
    async handle({ actor, query }) {
      const page = await registrations.listInState(actor, query.state, query.after ?? null, query.limit);
      return { items: page.items.map(registrationToDecideToJson), next: cursor.next(page.next) };
    },
  });
