import type { RequestSettingsService } from '../../../domains/requests/index.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import {
  requestSettingsInput,
  requestSettingsSchema,
  requestSettingsToJson,
  toRequestSettings,
} from './settings-schemas.ts';

/** Chooses what the account's requests ask for where they say nothing, and their limits. */
export const setRequestSettings = ({ requestSettings }: { requestSettings: RequestSettingsService }) =>
  defineRoute({
    operation: 'marketplace.settings.set',
    method: 'PUT',
    path: '/api/v1/marketplace/settings',
    access: 'account.manage',
    cost: COSTS.write,
    audit: 'change',
    summary: 'Chooses them, all at once: what is left out is as if it had never been chosen.',
    body: requestSettingsInput,
    response: requestSettingsSchema,
    status: 200,
    errors: [],
    handle: async ({ actor, body }) =>
      requestSettingsToJson(await requestSettings.setSettings(actor, toRequestSettings(body))),
  });
