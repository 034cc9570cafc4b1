import { isDeepStrictEqual } from 'node:util';
import type { ConnectionRegistry } from '../../domains/presence/index.ts';
import type { Actor } from '../../kernel/actor.ts';
import { requireDeviceInScope } from '../../kernel/credential-scope.ts';
import { AppError, InvariantError } from '../../kernel/errors.ts';
import type { Logger } from '../../kernel/logger.ts';
import type { StorageRoom } from '../../kernel/storage-room.ts';
import type {
  HttpRequest,
  HttpResponse,
  HttpRoute,
  IncomingRequest,
  RespondToError,
} from '../../platform/http/types.ts';
import { type Identify, namedTenant, shownToken } from '../authenticate.ts';
import { logRequest } from '../request-log.ts';
import type { CookieSessions } from './cookie-sessions.ts';
import { type ArrivedRequest, serveRegistered } from './cuttable-request.ts';
import { commonErrors, storesMore } from './documented-errors.ts';
import { FollowedStream } from './followed-stream.ts';
import { createHandlerAtOnce } from './http-at-once.ts';
import type { HttpOperation } from './http-operation.ts';
import type { Border, Caller, Pipeline } from './pipeline.ts';
import { rateOfRefusal, withRate } from './rates.ts';
import { CompleteRequest } from './request-views.ts';
import { principalIdOf } from './steps.ts';

/** One finished request, for metrics; for a stream when it begins. */
export interface ObservedRequest {
  readonly operation: string;
  readonly status: number;
  readonly durationMs: number;
}

/** What serving HTTP operations needs. */
export interface HttpDependencies {
  readonly pipeline: Pipeline;
  readonly connections: Pick<ConnectionRegistry, 'arrive'>;
  readonly identify: Identify;
  /** Without it cookies mean nothing. */
  readonly cookies?: Pick<CookieSessions, 'tokenOf'>;
  readonly room: StorageRoom;
  readonly logger: Logger;
  readonly observe: (request: ObservedRequest) => void;
  /**
   * For tests: an answer that isn't what its operation describes, and an error code that it doesn't list, is a bug of
   * ours.
   */
  readonly checkAnswers?: boolean;
}

/** Who sends a request: asked unless the operation is public. */
export type Sender = Pick<Caller, 'identify' | 'shown'>;

/** An operation whose steps are made, for HTTP and for what carries its requests another way. */
export interface OperationRoute extends HttpRoute {
  readonly operation: HttpOperation;
  /** Leads a request through the pipeline. */
  serve(request: IncomingRequest, sender: Sender): Promise<HttpResponse>;
}

/** Routes that lead HTTP operations through the pipeline. Errors are answered as `respondToError` says. */
export function createHttpRoutes(
  operations: readonly HttpOperation[],
  respondToError: RespondToError,
  dependencies: HttpDependencies,
): OperationRoute[] {
  return operations.map((operation) =>
    operation.answerAtOnce === undefined
      ? createRoute(operation, respondToError, dependencies)
      : createRouteAtOnce(operation, operation.answerAtOnce, respondToError, dependencies),
  );
}

function createRouteAtOnce(
  operation: HttpOperation,
  answerAtOnce: NonNullable<HttpOperation['answerAtOnce']>,
  respondToError: RespondToError,
  dependencies: HttpDependencies,
): OperationRoute {
  const { method, path, bodyBytesMax } = operation;
  const handleAtOnce = createHandlerAtOnce(operation, answerAtOnce, respondToError, dependencies);
  const handle: OperationRoute['handle'] = async (request) => handleAtOnce(request);
  return { operation, method, path, bodyBytesMax, serve: handle, handle, handleAtOnce };
}

function createRoute(
  operation: HttpOperation,
  respondToError: RespondToError,
  dependencies: HttpDependencies,
): OperationRoute {
  const { pipeline, connections, identify, cookies, room } = dependencies;
  const call = pipeline.serve(
    operation,
    (actor, arrived: ArrivedRequest) => {
      const serve = async (asked: IncomingRequest, begin: () => void) => {
        if (storesMore(operation)) room.requireRoom();
        const complete = new CompleteRequest(
          asked,
          await asked.receiveBody(actor === null ? null : ownerOf(actor)),
        );
        begin();
        return dependencies.checkAnswers
          ? checkedAnswer(operation, actor, complete)
          : operation.answer(actor, complete);
      };
      if (actor !== null) {
        requireDeviceInScope(actor, operation, arrived.request.params.deviceId);
        return serveRegistered(arrived, { actor, isChange: operation.audit === 'change' }, serve);
      }
      arrived.arrival.leave();
      return serve(arrived.request, () => {});
    },
    createBorder(operation, respondToError, dependencies),
  );
  const serve: OperationRoute['serve'] = (request, sender) => {
    const { remoteAddress, requestId } = request;
    const arrival = connections.arrive();
    const arrived: ArrivedRequest = { request, arrival, rate: null };
    return call(
      {
        remoteAddress,
        requestId,
        objects: Object.values(request.params),
        identify: () => sender.identify(),
        shown: () => sender.shown?.() ?? null,
        asked: () => askedBy(request),
        rated: (state) => {
          arrived.rate = state;
        },
      },
      arrived,
    ).finally(() => arrival.leave());
  };
  return {
    operation,
    method: operation.method,
    path: operation.path,
    bodyBytesMax: operation.bodyBytesMax,
    serve,
    handle: (request) => {
      const header = (name: string) => request.header(name);
      const tenantId = namedTenant(header);
      let token = shownToken(header);
      return serve(request, {
        shown: () => token,
        async identify() {
          token ??= cookies?.tokenOf(request) ?? null;
          return token === null ? null : identify(token, tenantId);
        },
      });
    },
  };
}

function createBorder(
  { operation, quiet }: HttpOperation,
  respondToError: RespondToError,
  { logger, observe }: HttpDependencies,
): Border<ArrivedRequest, HttpResponse, HttpResponse> {
  return {
    encode(response, { request, rate }) {
      const { body } = response;
      const rated = withRate(response, rate);
      if (!isStream(body) || body instanceof FollowedStream) return rated;
      return { ...rated, body: new FollowedStream(body, request.signal) };
    },
    refuse: (error, { request, rate }) =>
      withRate(respondToError(error, request), rateOfRefusal(error) ?? rate),
    lasts: ({ body }) => (body instanceof FollowedStream ? body.ended : null),
    observe({ input, actor, failure, answer, durationMs }) {
      const { status } = answer;
      observe({ operation, status, durationMs });
      logRequest(logger, input.request, { operation, quiet, actor, failure, status, durationMs });
    },
  };
}

/** Path and query, where one of them names something. */
function askedBy({ params, path, query }: IncomingRequest): string | null {
  return query.size === 0 && Object.keys(params).length === 0 ? null : `${path}?${query.toString()}`;
}

function ownerOf(actor: Actor) {
  return { principalId: principalIdOf(actor), tenantId: actor.tenantId };
}

function isStream(body: HttpResponse['body']): body is AsyncIterable<string> {
  return body !== undefined && typeof body !== 'string' && !(body instanceof Uint8Array);
}

/** The answer of an operation, once it is sure to be one that its description tells of. */
async function checkedAnswer(
  operation: HttpOperation,
  actor: Actor | null,
  request: HttpRequest,
): Promise<HttpResponse> {
  try {
    const answer = await operation.answer(actor, request);
    requireDocumentedAnswer(operation, answer);
    return answer;
  } catch (error) {
    throw requireDocumentedError(operation, error);
  }
}

function requireDocumentedAnswer({ operation, response }: HttpOperation, answer: HttpResponse): void {
  if (typeof response === 'string' || isStream(answer.body)) return;
  if (answer.headers?.['content-type'] !== 'application/json') return;
  const sent: unknown = JSON.parse(String(answer.body));
  const result = response.safeParse(sent);
  if (!result.success) throw new InvariantError(`${operation} answers otherwise: ${result.error.message}`);
  if (!isDeepStrictEqual(result.data, sent)) {
    throw new InvariantError(`${operation} answers more than it says`);
  }
}

function requireDocumentedError(operation: HttpOperation, error: unknown): unknown {
  if (!(error instanceof AppError)) return error;
  if (operation.errors.includes(error.code) || commonErrors(operation).includes(error.code)) return error;
  return new InvariantError(`${operation.operation} doesn't list ${error.code}`);
}
