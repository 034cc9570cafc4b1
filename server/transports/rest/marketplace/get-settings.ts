import type { RequestSettingsService } from '../../../domains/requests/index.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { requestSettingsSchema, requestSettingsToJson } from './settings-schemas.ts';

/** What the account's requests ask for where they say nothing, and their limits. */
export const getRequestSettings = ({ requestSettings }: { requestSettings: RequestSettingsService }) =>
  defineRoute({
    operation: 'marketplace.settings.get',
    method: 'GET',
    path: '/api/v1/marketplace/settings',
    access: 'market.request',
    cost: COSTS.read,
    audit: 'none',
    summary: 'What your requests ask for where they say nothing, and what they never go beyond.',
    response: requestSettingsSchema,
    status: 200,
    errors: [],
    handle: async ({ actor }) => requestSettingsToJson(await requestSettings.getSettings(actor)),
  });
