import { LiveFollowers } from '../../kernel/live-followers.ts';
import { seesNetwork } from '../../kernel/permission.ts';
import {
  FOLLOWER_READINGS_MAX,
  FOLLOWERS_MAX,
  FOLLOWERS_PER_ACCOUNT_MAX,
  FOLLOWERS_PER_TENANT_MAX,
} from './limits.ts';
import type { KeptReading, ReadingPoint } from './types.ts';

/** Those who read what devices say as they say it, by device. */
export type LiveReadings = LiveFollowers<KeptReading, ReadingPoint>;

/** Nobody yet. */
export function liveReadings(): LiveReadings {
  const limits = {
    perAccountMax: FOLLOWERS_PER_ACCOUNT_MAX,
    perTenantMax: FOLLOWERS_PER_TENANT_MAX,
    max: FOLLOWERS_MAX,
    waitingMax: FOLLOWER_READINGS_MAX,
  };
  return new LiveFollowers(limits, (actor, { networkId, tenantId, name, unit, atMs, value }) =>
    tenantId === actor.tenantId && seesNetwork(actor, networkId) ? { name, unit, atMs, value } : null,
  );
}

/** These are kept. */
export function tellAll(live: Pick<LiveReadings, 'tell'>, readings: readonly KeptReading[]): void {
  for (const reading of readings) live.tell(reading.deviceId, reading);
}
