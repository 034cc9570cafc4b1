import { isDeepStrictEqual } from 'node:util';
import { type Actor, requireAccount, requireOperator } from '../../kernel/actor.ts';
import type { Clock } from '../../kernel/clock.ts';
import { AppError, InvariantError } from '../../kernel/errors.ts';
import type { Logger } from '../../kernel/logger.ts';
import type { HttpRequest, HttpResponse, HttpRoute } from '../../platform/http/types.ts';
import { authenticate, type Identify } from '../authenticate.ts';
import { logRequest } from '../request-log.ts';
import type { Access, RestRoute, RouteAnswer } from './define-route.ts';
import { commonErrors } from './documented-errors.ts';
import { errorResponse } from './error-response.ts';
import { BODY_BYTES_MAX } from './limits.ts';
import { requireStrictInput } from './strict-input.ts';

export interface RestTransportDependencies {
  readonly routes: readonly RestRoute[];
  readonly identify: Identify;
  readonly logger: Logger;
  readonly clock: Clock;
  /** One finished request, for metrics. */
  readonly observe: (request: ObservedRequest) => void;
  /**
   * For tests: an answer that isn't what its route's schema describes, and an error code the route doesn't list, is a
   * bug of ours.
   */
  readonly checkAnswers?: boolean;
}

export interface ObservedRequest {
  readonly operation: string;
  readonly status: number;
  readonly durationMs: number;
}

/**
 * HTTP routes for REST routes. Order of every request: authenticate, authorize, validate, handle, answer, log.
 * Throws InvariantError for two routes of one operation, and for a route that would let unknown input pass.
 */
export function createRestTransport(dependencies: RestTransportDependencies): HttpRoute[] {
  const operations = new Set<string>();
  return dependencies.routes.map((route) => {
    if (operations.has(route.operation)) throw new InvariantError(`two routes for ${route.operation}`);
    operations.add(route.operation);
    requireStrictInput(route);
    return {
      method: route.method,
      path: route.path,
      bodyBytesMax: route.body ? BODY_BYTES_MAX : 0,
      handle: (request) => serve(route, request, dependencies),
    };
  });
}

async function serve(
  route: RestRoute,
  request: HttpRequest,
  dependencies: RestTransportDependencies,
): Promise<HttpResponse> {
  const { clock, identify, observe } = dependencies;
  const startedMs = clock.monotonicMs();
  let actor: Actor | null = null;
  let failure: unknown = null;
  let response: HttpResponse;
  try {
    actor = await authorize(route.access, identify, request);
    const answer = await route.answer(actor, request);
    if (dependencies.checkAnswers) requireDocumentedAnswer(route, answer);
    response = answer.response;
  } catch (error) {
    failure = dependencies.checkAnswers ? requireDocumentedError(route, error) : error;
    response = errorResponse(failure, request.requestId);
  }
  const durationMs = clock.monotonicMs() - startedMs;
  const { operation, quiet } = route;
  observe({ operation, status: response.status, durationMs });
  logRequest(dependencies.logger, request, {
    operation,
    quiet,
    actor,
    failure,
    status: response.status,
    durationMs,
  });
  return response;
}

/** Who asks, if `access` lets them; null where nobody needs to say who they are. */
async function authorize(access: Access, identify: Identify, request: HttpRequest): Promise<Actor | null> {
  if (access === 'public') return null;
  const actor = await authenticate(identify, request.header('authorization'));
  if (access === 'user') return requireAccount(actor);
  return access === 'operator' ? requireOperator(actor) : actor;
}

function requireDocumentedAnswer(route: RestRoute, answer: RouteAnswer): void {
  if (typeof route.response === 'string') return;
  const sent: unknown = JSON.parse(String(answer.response.body));
  const result = route.response.safeParse(sent);
  if (!result.success)
    throw new InvariantError(`${route.operation} answers otherwise: ${result.error.message}`);
  if (!isDeepStrictEqual(result.data, sent))
    throw new InvariantError(`${route.operation} answers more than it says`);
}

function requireDocumentedError(route: RestRoute, error: unknown): unknown {
  if (!(error instanceof AppError)) return error;
  if (route.errors.includes(error.code) || commonErrors(route).includes(error.code)) return error;
  return new InvariantError(`${route.operation} doesn't list ${error.code}`);
}
