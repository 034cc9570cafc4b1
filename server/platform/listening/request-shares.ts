import { addressGroup } from '../../kernel/network-address.ts';
import type { ClientAddress } from './client-addresses.ts';
import type { CutReason } from './connection-budget.ts';
import { ADDRESS_PART, PRINCIPAL_PART, TENANT_PART } from './limits.ts';

/** Who a request turned out to be from. */
export interface RequestOwner {
  readonly principalId: string;
  readonly tenantId: string;
}

/** A request that is being served. */
export interface RequestPlace {
  /** It is known whose it is. False: they have too many under way. */
  belongsTo(owner: RequestOwner): boolean;
  /** It is over, or its client is gone. May be called again. */
  leave(): void;
}

/**
 * How many of the requests that can be under way at a time, which is one for each connection, may be of one sender: of a
 * client behind a proxy, whose connections all look alike, and of a principal and a tenant once they are known.
 */
export interface RequestShares {
  /** Null: this client has too many under way. */
  begin(client: ClientAddress): RequestPlace | null;
}

/** Shares of `requestsMax`. `refused` hears why there was no place. */
export function createRequestShares(
  requestsMax: number,
  refused: (reason: CutReason) => void,
): RequestShares {
  const shares: readonly Share[] = [
    { reason: 'account', running: new Map(), most: Math.ceil(requestsMax * PRINCIPAL_PART) },
    { reason: 'tenant', running: new Map(), most: Math.ceil(requestsMax * TENANT_PART) },
  ];
  const addresses: Share = {
    reason: 'address',
    running: new Map(),
    most: Math.ceil(requestsMax * ADDRESS_PART),
  };
  const enter = (entered: Entry[], share: Share, key: string): boolean => {
    const running = share.running.get(key) ?? 0;
    if (running >= share.most) {
      refused(share.reason);
      return false;
    }
    share.running.set(key, running + 1);
    entered.push({ share, key });
    return true;
  };
  return {
    begin({ address, isProxied }) {
      const entered: Entry[] = [];
      let isOver = false;
      if (isProxied && !enter(entered, addresses, addressGroup(address))) return null;
      return {
        belongsTo: ({ principalId, tenantId }) =>
          isOver ||
          [principalId, tenantId].every((key, index) => enter(entered, shares[index] as Share, key)),
        leave: () => {
          isOver = true;
          for (const { share, key } of entered.splice(0)) leave(share, key);
        },
      };
    },
  };
}

interface Share {
  readonly reason: CutReason;
  readonly running: Map<string, number>;
  readonly most: number;
}

interface Entry {
  readonly share: Share;
  readonly key: string;
}

function leave({ running }: Share, key: string): void {
  const left = (running.get(key) ?? 0) - 1;
  if (left > 0) running.set(key, left);
  else running.delete(key);
}
