import type { PipelineDependencies } from '../../server/transports/pipeline/pipeline.ts';
import { createRates, type Rates, type RateWindows } from '../../server/transports/pipeline/rates.ts';

/** No limit by time. */
export const NO_WINDOWS: RateWindows = {
  token: null,
  tenant: null,
  address: null,
  guesses: null,
  messages: null,
  operations: {},
};

export const noRates: Rates = createRates(NO_WINDOWS);

/** A pipeline's abuse service that looks at nobody. */
export const noAbuse: PipelineDependencies['abuse'] = {
  requireAllowed: () => {},
  guessed: () => null,
  refused: () => {},
};
