import { addressGroup } from '../../kernel/network-address.ts';
import { ADDRESS_COST_MAX, PRINCIPAL_COST_MAX } from './limits.ts';

/**
 * Whose share it is: a principal's, by its id; or an address's, IPv6 by network, for callers who haven't said who they are.
 */
export type Share = 'principal' | 'address';

/** Decides how much of the server one caller may use at a time. */
export interface Limiter {
  /** Takes `cost` of a share until `leave` is called with the same arguments. False: there isn't as much left of it. */
  enter(share: Share, key: string, cost: number): boolean;
  leave(share: Share, key: string, cost: number): void;
}

/** The most that may run at a time in each kind of share. */
export type ShareSizes = Readonly<Record<Share, number>>;

const SIZES: ShareSizes = { principal: PRINCIPAL_COST_MAX, address: ADDRESS_COST_MAX };

/** A limiter that adds up what runs in this process. Who has nothing running takes no memory. */
export function createRunningLimiter(sizes: ShareSizes = SIZES): Limiter {
  const running: Readonly<Record<Share, Map<string, number>>> = { principal: new Map(), address: new Map() };
  return {
    enter(share, of, cost) {
      const key = share === 'address' ? addressGroup(of) : of;
      const taken = running[share].get(key) ?? 0;
      if (taken + cost > sizes[share]) return false;
      running[share].set(key, taken + cost);
      return true;
    },
    leave(share, of, cost) {
      const key = share === 'address' ? addressGroup(of) : of;
      const left = (running[share].get(key) ?? 0) - cost;
      if (left > 0) running[share].set(key, left);
      else running[share].delete(key);
    },
  };
}
