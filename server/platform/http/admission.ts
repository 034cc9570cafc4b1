import type { Clock } from '../../kernel/clock.ts';
import type { Logger } from '../../kernel/logger.ts';
import type { ClientAddresses } from '../listening/client-addresses.ts';
import type { ConnectionBudget } from '../listening/connection-budget.ts';
import { ADDRESSES_INTERVAL_MS } from '../listening/limits.ts';
import { countRemoteAddresses } from '../listening/remote-addresses.ts';
import { remoteAddressOf } from './exchange.ts';
import type { NativeResponse } from './uws.ts';

/** Decides about HTTP connections as they come. */
export interface HttpAdmission {
  /** Cuts the connection off at once where there is no room for it. */
  opened(native: NativeResponse): void;
  /** One has closed, whichever. */
  closed(): void;
  /** Looks from time to time from where the connections to this port are, while there are many. */
  watch(port: number): void;
  stop(): void;
}

/**
 * Lets HTTP connections in as the budget says. The library tells that one has closed but not which, so that the system is
 * asked from where those are that stay.
 */
export function createHttpAdmission(dependencies: {
  readonly budget: ConnectionBudget;
  readonly clients: Pick<ClientAddresses, 'trusts'>;
  readonly clock: Clock;
  readonly logger: Logger;
}): HttpAdmission {
  const { budget, clients, clock, logger } = dependencies;
  let refusing = false;
  let cancel: () => void = () => {};
  const look = async (port: number) => {
    try {
      budget.learnAddresses(budget.isHttpCrowded ? await countRemoteAddresses(port) : new Map());
    } catch (error) {
      logger.error({ error }, 'the connections could not be counted by address');
    }
  };
  const watch = (port: number) => {
    cancel = clock.after(ADDRESSES_INTERVAL_MS, () => void look(port).then(() => watch(port)));
  };
  return {
    opened(native) {
      const peerAddress = remoteAddressOf(native);
      if (budget.admitHttp(peerAddress, clients.trusts(peerAddress))) return;
      // The library tells of this close within the call.
      refusing = true;
      native.close();
      refusing = false;
    },
    closed() {
      if (!refusing) budget.leaveHttp();
    },
    watch,
    stop: () => cancel(),
  };
}
