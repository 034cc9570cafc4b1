import type { Clock } from '../../server/kernel/clock.ts';
import { createLogAudit } from '../../server/transports/pipeline/audit.ts';
import { createRunningLimiter, type ShareSizes } from '../../server/transports/pipeline/limiter.ts';
import { createPipeline, type Pipeline } from '../../server/transports/pipeline/pipeline.ts';
import { silentLogger } from './logger.ts';
import { noAbuse, noRates } from './rates.ts';

/** A pipeline as the server has it, that keeps no audit and counts no refusals. */
export function createTestPipeline(clock: Clock, sizes?: ShareSizes): Pipeline {
  return createPipeline({
    limiter: createRunningLimiter(sizes),
    rates: noRates,
    abuse: noAbuse,
    audit: createLogAudit(silentLogger),
    clock,
    refused: () => {},
  });
}
