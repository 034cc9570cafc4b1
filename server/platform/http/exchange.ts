import { AppError } from '../../kernel/errors.ts';
import type { Logger } from '../../kernel/logger.ts';
import type { ConnectionBudget } from '../listening/connection-budget.ts';
import { collectBody } from './body.ts';
import type { BodyBudget } from './body-budget.ts';
import type { BrokenConnection } from './broken-connection.ts';
import { Headers } from './headers.ts';
import { PATH_BYTES_MAX } from './limits.ts';
import { Reply } from './reply.ts';
import { findHeadFault, type HeadFault, isChunked } from './request-head.ts';
import type { RouteMatch } from './router.ts';
import type { HttpRequest, HttpResponse, HttpRoute, RespondToError } from './types.ts';
import type { NativeRequest, NativeResponse } from './uws.ts';

/** What every exchange of one server shares. */
export interface ExchangeContext {
  readonly find: (method: string, path: string) => RouteMatch;
  readonly newRequestId: () => string;
  readonly respondToError: RespondToError;
  readonly logger: Logger;
  /** `draining`: answers end their connection. `closed`: nothing is begun any more. */
  readonly phase: () => 'serving' | 'draining' | 'closed';
  readonly broken: BrokenConnection;
  readonly bodies: BodyBudget;
  readonly budget: ConnectionBudget;
  readonly began: () => void;
  readonly ended: () => void;
}

/** The client's address as text; an IPv4 address on an IPv6 socket in its usual form. */
export function remoteAddressOf(native: NativeResponse): string {
  const text = Buffer.from(native.getRemoteAddressAsText()).toString('latin1');
  const mapped = /^(?:0000:){5}ffff:([0-9a-f]{2})([0-9a-f]{2}):([0-9a-f]{2})([0-9a-f]{2})$/.exec(text);
  return mapped
    ? mapped
        .slice(1)
        .map((byte) => Number.parseInt(byte, 16))
        .join('.')
    : text;
}

/** Serves one HTTP request from its first to its last byte. Never throws, whatever handlers do. */
export function serveRequest(
  native: NativeResponse,
  incoming: NativeRequest,
  context: ExchangeContext,
): void {
  const method = incoming.getCaseSensitiveMethod();
  const path = incoming.getUrl();
  const query = incoming.getQuery();
  const headers = new Headers(incoming);
  const remoteAddress = remoteAddressOf(native);
  const target = query === undefined ? path : `${path}?${query}`;
  const fault = context.broken.includes(remoteAddress)
    ? BEHIND_A_FAULT
    : findHeadFault(method, target, headers);
  if (fault !== null) refuseHead(native, fault, { path, remoteAddress }, context);
  else new Exchange(native, { method, path, query: query ?? '', headers, remoteAddress }, context).begin();
}

/** What follows bytes that can't be trusted on their connection. */
const BEHIND_A_FAULT: HeadFault = {
  status: null,
  error: new AppError('invalid', 'invalid_input', 'What came before on this connection was refused.'),
};

/**
 * Answers a faulty head and closes the connection (RFC 9112 section 6.3). The answer is given before the library reads
 * on: what it would take for the next request is answered likewise.
 */
export function refuseHead(
  native: NativeResponse,
  { status, error }: HeadFault,
  { path, remoteAddress }: { readonly path: string; readonly remoteAddress: string },
  context: Pick<ExchangeContext, 'broken' | 'newRequestId' | 'respondToError' | 'logger'>,
): void {
  const requestId = context.newRequestId();
  const answer = errorResponse(error, { requestId, path }, context);
  context.broken.begin(remoteAddress);
  void new Reply(native).send(
    { ...answer, status: status ?? answer.status },
    { requestId, closeConnection: true },
  );
}

/** The head of a request, copied. */
interface RequestHead {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly headers: Headers;
  readonly remoteAddress: string;
}

/** One request without a fault in its head, and its answer. */
class Exchange {
  readonly #native: NativeResponse;
  readonly #head: RequestHead;
  readonly #context: ExchangeContext;
  readonly #requestId: string;
  readonly #reply: Reply;
  /**
   * A chunked body's end is where the library saw it, which takes sizes and line ends that aren't any. So such a request is
   * the last of its connection, and answered when the bytes it came with are all read: what follows it is never a request.
   */
  readonly #isLast: boolean;
  #settled = false;
  /** What its body takes of the budget while it arrives. */
  #arrivingBytes = 0;

  constructor(native: NativeResponse, head: RequestHead, context: ExchangeContext) {
    this.#native = native;
    this.#head = head;
    this.#context = context;
    this.#requestId = context.newRequestId();
    this.#isLast = isChunked(head.headers);
    this.#reply = new Reply(native, () => {
      this.#giveRoomBack();
      if (!this.#settled) context.ended();
      this.#settled = true;
    });
    context.began();
  }

  /** Finds the route, reads the body and lets the route answer. */
  begin(): void {
    const { method, path } = this.#head;
    if (this.#context.phase() === 'closed') {
      this.#refuse(new AppError('unavailable', 'unavailable', 'The server is shutting down.'));
      return;
    }
    const match: RouteMatch =
      path.length > PATH_BYTES_MAX ? { kind: 'not_found' } : this.#context.find(method, path);
    if (match.kind === 'method_not_allowed' && method === 'OPTIONS') {
      const headers = { allow: match.allow.join(', ') };
      this.#settle(async () => ({ status: 204, headers }));
    } else if (match.kind !== 'found') this.#refuse(refusalOf(match));
    else this.#receive(match.route, match.params);
  }

  #receive(route: HttpRoute, params: HttpRequest['params']): void {
    const announced = Number(this.#head.headers.first('content-length') ?? 0);
    const takeRoom = (bytes: number) => {
      if (!this.#context.bodies.take(this.#head.remoteAddress, bytes)) return false;
      this.#arrivingBytes += bytes;
      return true;
    };
    collectBody(this.#native, announced, route.bodyBytesMax, takeRoom, (body) => {
      this.#giveRoomBack();
      if (body === 'too_large') {
        const details = { bodyBytesMax: route.bodyBytesMax };
        this.#refuse(new AppError('too_large', 'too_large', 'The body is too large.', { details }));
      } else if (body === 'no_room') {
        this.#refuse(new AppError('unavailable', 'unavailable', 'Too much is being sent from this address.'));
      } else this.#settle(() => route.handle(this.#requestOf(route, params, body)));
    });
  }

  #giveRoomBack(): void {
    this.#context.bodies.give(this.#head.remoteAddress, this.#arrivingBytes);
    this.#arrivingBytes = 0;
  }

  #requestOf(route: HttpRoute, params: HttpRequest['params'], body: Uint8Array): HttpRequest {
    const { path, query, headers, remoteAddress } = this.#head;
    const reply = this.#reply;
    return {
      method: route.method,
      path,
      params,
      query: new URLSearchParams(query),
      header: (name) => headers.first(name),
      body,
      remoteAddress,
      requestId: this.#requestId,
      get signal() {
        return reply.signal;
      },
    };
  }

  #refuse(error: AppError): void {
    this.#settle(() => Promise.reject(error));
  }

  #settle(work: () => Promise<HttpResponse>): void {
    if (this.#isLast) setImmediate(() => void this.#respond(work));
    else void this.#respond(work);
  }

  async #respond(work: () => Promise<HttpResponse>): Promise<void> {
    if (this.#settled) return;
    this.#settled = true;
    const { method, path } = this.#head;
    try {
      const asked = { method, path, requestId: this.#requestId, isLast: this.#isLast };
      await respond(this.#reply, asked, work, this.#context);
    } finally {
      this.#context.ended();
    }
  }
}

function refusalOf(match: Exclude<RouteMatch, { kind: 'found' }>): AppError {
  switch (match.kind) {
    case 'malformed':
      return new AppError('invalid', 'invalid_input', 'The path is not percent-encoded UTF-8.');
    case 'method_not_allowed':
      return new AppError('method_not_allowed', 'method_not_allowed', 'This path has no such method.', {
        details: { allow: match.allow },
      });
    case 'not_found':
      return new AppError('not_found', 'not_found', 'There is nothing at this path.');
  }
}

interface Asked {
  readonly method: string;
  readonly path: string;
  readonly requestId: string;
  /** The connection ends with the answer. */
  readonly isLast: boolean;
}

/** Sends what `work` gives, or the answer to what it throws. */
async function respond(
  reply: Reply,
  asked: Asked,
  work: () => Promise<HttpResponse>,
  context: ExchangeContext,
): Promise<void> {
  const send = (response: HttpResponse) =>
    reply.send(response, {
      requestId: asked.requestId,
      omitBody: asked.method === 'HEAD',
      closeConnection:
        asked.isLast || (mayClose(response) && (context.phase() !== 'serving' || context.budget.isTight)),
    });
  try {
    await send(await work());
  } catch (error) {
    if (!(error instanceof AppError)) logUnexpected(error, asked, context.logger);
    if (reply.begun) return;
    await send(errorResponse(error, asked, context)).catch((failure) =>
      logUnexpected(failure, asked, context.logger),
    );
  }
}

/** With 204 the library closes only behind a Content-Length, which has no place there. */
function mayClose({ status }: HttpResponse): boolean {
  return status !== 204;
}

/** The answer to an error; a plain 500 should even that fail. `Allow` belongs to 405 (RFC 9110 section 15.5.6). */
export function errorResponse(
  error: unknown,
  asked: { readonly requestId: string; readonly path: string },
  context: Pick<ExchangeContext, 'respondToError' | 'logger'>,
): HttpResponse {
  try {
    const response = context.respondToError(error, asked);
    const allow = error instanceof AppError ? error.details?.allow : undefined;
    return Array.isArray(allow)
      ? { ...response, headers: { ...response.headers, allow: allow.join(', ') } }
      : response;
  } catch (failure) {
    context.logger.error({ requestId: asked.requestId, error: failure }, 'no answer to an error');
    return { status: 500, body: '' };
  }
}

function logUnexpected(error: unknown, asked: Asked, logger: Logger): void {
  const { method, path, requestId } = asked;
  logger.error({ method, path, requestId, error }, 'a request failed unexpectedly');
}
