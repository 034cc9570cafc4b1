import type { Logger } from '../../server/kernel/logger.ts';
import { createConnectionBudget } from '../../server/platform/listening/connection-budget.ts';
import { createSystemClock } from '../../server/platform/system/clock.ts';
import { silentLogger } from './logger.ts';

/** A budget of connections that its test doesn't reach. */
export function roomyBudget(
  connectionsMax = 10_000,
  logger: Logger = silentLogger,
): ReturnType<typeof createConnectionBudget> {
  return createConnectionBudget(
    { connectionsMax },
    { clock: createSystemClock(), logger, cut: () => undefined },
  );
}
