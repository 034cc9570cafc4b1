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
  /** Looks from time to time from where the connections to these ports are, while there are many. */
  watch(ports: readonly number[]): void;
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
  const look = async (ports: readonly number[]) => {
    try {
      budget.learnAddresses(budget.isHttpCrowded ? await countRemoteAddresses(ports) : new Map());
    } catch (error) {
      logger.error({ error }, 'the connections could not be counted by address');
    }
  };
  const watch = (ports: readonly number[]) => {
    cancel = clock.after(ADDRESSES_INTERVAL_MS, () => void look(ports).then(() => watch(ports)));
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
