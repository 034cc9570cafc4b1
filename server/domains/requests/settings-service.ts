import type { AccountActor, Actor } from '../../kernel/actor.ts';
import type { Clock } from '../../kernel/clock.ts';
import { requirePermission } from '../../kernel/permission.ts';
import { SETTINGS_FRESH_MS, SETTINGS_KEPT_MAX } from './limits.ts';
import type { SettingsStore } from './ports.ts';
import type { RequestSettings } from './settings.ts';

/** What accounts choose for their requests to the market, in each of their tenants. */
export interface RequestSettingsService {
  /** The account's own; `NO_SETTINGS` where it has chosen none. */
  getSettings(actor: Actor): Promise<RequestSettings>;
  /** Sets all of them. Takes a person: an API key could lift the limits that it is under. */
  setSettings(actor: Actor, settings: RequestSettings): Promise<RequestSettings>;
  /** Those that a request is carried out with. What another process set may be missing for `SETTINGS_FRESH_MS`. */
  settingsFor(requester: AccountActor): Promise<RequestSettings>;
}

const keyOf = ({ tenantId, accountId }: AccountActor): string => `${tenantId} ${accountId}`;

interface Known {
  readonly settings: RequestSettings;
  readonly readAtMs: number;
}

/** Makes the service. */
export function createRequestSettingsService({
  store,
  clock,
}: {
  readonly store: SettingsStore;
  readonly clock: Clock;
}): RequestSettingsService {
  /** By tenant and account, the longest ago first. */
  const known = new Map<string, Known>();
  /** Requests that come together are carried out in their order, after one look. */
  const underWay = new Map<string, Promise<RequestSettings>>();
  const keep = (key: string, settings: RequestSettings) => {
    known.delete(key);
    known.set(key, { settings, readAtMs: clock.monotonicMs() });
    const [oldest] = known.keys();
    if (known.size > SETTINGS_KEPT_MAX && oldest !== undefined) known.delete(oldest);
  };
  const read = async (key: string, requester: AccountActor, before: Known | undefined) => {
    try {
      const settings = await store.find(requester);
      // What was set meanwhile is newer than what was read.
      if (known.get(key) === before) keep(key, settings);
      return settings;
    } finally {
      underWay.delete(key);
    }
  };
  return {
    getSettings: async (actor) => store.find(requirePermission(actor, 'market.request')),

    async setSettings(actor, settings) {
      const account = requirePermission(actor, 'account.manage');
      await store.save(account, settings);
      keep(keyOf(account), settings);
      return settings;
    },

    settingsFor(requester) {
      const key = keyOf(requester);
      const before = known.get(key);
      if (before !== undefined && clock.monotonicMs() - before.readAtMs < SETTINGS_FRESH_MS)
        return Promise.resolve(before.settings);
      const reading = underWay.get(key) ?? read(key, requester, before);
      underWay.set(key, reading);
      return reading;
    },
  };
}
