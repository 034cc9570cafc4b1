import { InvariantError } from '../../kernel/errors.ts';
import type { Logger } from '../../kernel/logger.ts';
import type { HttpResponse, RequestAtOnce, RespondToError } from '../../platform/http/types.ts';
import { logRequest } from '../request-log.ts';
import type { HttpOperation } from './http-operation.ts';
import type { Pipeline } from './pipeline.ts';
import { type RateState, rateOfRefusal, withRate } from './rates.ts';

/** A request, and the limit of which the least is left for its sender; null: not known, or there is none. */
interface Asked {
  readonly request: RequestAtOnce;
  rate: RateState | null;
}

/** What is needed beside the operation. */
interface AtOnceDependencies {
  readonly pipeline: Pick<Pipeline, 'serveAtOnce'>;
  readonly logger: Logger;
  readonly observe: (request: { operation: string; status: number; durationMs: number }) => void;
}

/**
 * Answers the requests for a public operation in the turn in which they come, by the same steps as any other: files in memory, of which a page
 * asks for some dozen, would else cost more in promises than in bytes. Throws InvariantError for an operation of another kind.
 */
export function createHandlerAtOnce(
  described: HttpOperation,
  answerAtOnce: (request: RequestAtOnce) => HttpResponse,
  respondToError: RespondToError,
  { pipeline, logger, observe }: AtOnceDependencies,
): (request: RequestAtOnce) => HttpResponse {
  const { operation, access, audit, quiet } = described;
  if (access !== 'public' || audit !== 'none')
    throw new InvariantError(`${operation} can't be answered at once`);
  const call = pipeline.serveAtOnce<Asked, HttpResponse, HttpResponse>(
    { ...described, access, audit },
    ({ request }) => answerAtOnce(request),
    {
      encode: (response, { rate }) => withRate(response, rate),
      refuse: (error, { request, rate }) =>
        withRate(respondToError(error, request), rateOfRefusal(error) ?? rate),
      observe({ input, actor, failure, answer, durationMs }) {
        const { status } = answer;
        observe({ operation, status, durationMs });
        logRequest(logger, input.request, { operation, quiet, actor, failure, status, durationMs });
      },
    },
  );
  return (request) => {
    const asked: Asked = { request, rate: null };
    const { remoteAddress, requestId } = request;
    const caller = {
      remoteAddress,
      requestId,
      identify: async () => null,
      asked: () => request.path,
      rated: (state: RateState) => {
        asked.rate = state;
      },
    };
    return call(caller, asked);
  };
}
