import { AppError } from '../../kernel/errors.ts';
import type { Logger } from '../../kernel/logger.ts';
import type { LoopTurns } from '../../kernel/loop-turns.ts';
import { addressGroup } from '../../kernel/network-address.ts';
import { type ClientAddress, type ClientAddresses, canonicalAddress } from '../listening/client-addresses.ts';
import type { ConnectionBudget } from '../listening/connection-budget.ts';
import type { RequestOwner, RequestPlace, RequestShares } from '../listening/request-shares.ts';
import { ArrivingBody } from './body.ts';
import type { BodyBudget } from './body-budget.ts';
import type { BodyTurns } from './body-turns.ts';
import type { BrokenConnection } from './broken-connection.ts';
import { type Cors, NO_HEADERS } from './cors.ts';
import { Headers } from './headers.ts';
import { PATH_BYTES_MAX, RETRY_AFTER_SECONDS } from './limits.ts';
import { Reply, sendAtOnce } from './reply.ts';
import { findHeadFault, type HeadFault, isChunked } from './request-head.ts';
import type { RouteMatch } from './router.ts';
import type { HttpResponse, HttpRoute, IncomingRequest, RespondToError } from './types.ts';
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
  /** Room for the bodies of senders who are known, or of whom that is being found out. */
  readonly bodies: BodyBudget;
  /** The same for senders who needn't be known. */
  readonly anonymousBodies: BodyBudget;
  readonly bodyTurns: BodyTurns;
  /** By address. */
  readonly turns: LoopTurns<string>;
  readonly clients: ClientAddresses;
  readonly shares: RequestShares;
  readonly budget: ConnectionBudget;
  readonly cors: Cors;
  readonly began: () => void;
  readonly ended: () => void;
}

/** The address of who is connected. Of IPv4 it is written here, which takes a third of the time: each request asks for it. */
export function remoteAddressOf(native: NativeResponse): string {
  const bytes = new Uint8Array(native.getRemoteAddress());
  if (bytes.length === IPV4_BYTES) return `${bytes[0]}.${bytes[1]}.${bytes[2]}.${bytes[3]}`;
  return canonicalAddress(Buffer.from(native.getRemoteAddressAsText()).toString('latin1'));
}

const IPV4_BYTES = 4;

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
  const peerAddress = remoteAddressOf(native);
  const target = query === undefined ? path : `${path}?${query}`;
  const fault = context.broken.includes(peerAddress)
    ? BEHIND_A_FAULT
    : findHeadFault(method, target, headers);
  if (fault !== null) {
    refuseHead(native, fault, { path, peerAddress }, context);
    return;
  }
  const client = context.clients.clientOf(peerAddress, headers.all('x-forwarded-for'));
  const head: RequestHead = { method, path, query: query ?? '', headers, client };
  if (!answeredAtOnce(native, head, context)) new Exchange(native, head, context).begin();
}

/** True: the request is answered. False: it has to be served, or refused, as any other. */
function answeredAtOnce(native: NativeResponse, head: RequestHead, context: ExchangeContext): boolean {
  const { method, path, headers, client } = head;
  if (path.length > PATH_BYTES_MAX || hasBody(headers)) return false;
  const match = context.find(method, path);
  if (match.kind !== 'found' || match.route.handleAtOnce === undefined) return false;
  if (context.phase() !== 'serving' || context.budget.isTight || !context.turns.begin()) return false;
  // The library ends the process where an answer without a length is given and nobody listens for the client going away.
  native.onAborted(() => {});
  const requestId = context.newRequestId();
  const answer = match.route.handleAtOnce({
    path,
    params: match.params,
    header: (name) => headers.first(name),
    remoteAddress: client.address,
    requestId,
  });
  const answered = withHeaders(answer, context.cors.headersFor(headers));
  sendAtOnce(native, answered, { requestId, omitBody: method === 'HEAD' });
  return true;
}

const hasBody = (headers: Headers): boolean =>
  isChunked(headers) || Number(headers.first('content-length') ?? 0) > 0;

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
  { path, peerAddress }: { readonly path: string; readonly peerAddress: string },
  context: Pick<ExchangeContext, 'broken' | 'newRequestId' | 'respondToError' | 'logger'>,
): void {
  const requestId = context.newRequestId();
  const answer = errorResponse(error, { requestId, path }, context);
  context.broken.begin(peerAddress);
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
  readonly client: ClientAddress;
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
  /** Null: there is none that anybody could want. */
  #body: ArrivingBody | null = null;
  /** Null: this client has too many requests under way. */
  readonly #place: RequestPlace | null;

  constructor(native: NativeResponse, head: RequestHead, context: ExchangeContext) {
    this.#native = native;
    this.#head = head;
    this.#context = context;
    this.#requestId = context.newRequestId();
    this.#isLast = isChunked(head.headers);
    this.#place = context.shares.begin(head.client);
    this.#reply = new Reply(native, () => {
      this.#body?.abandon();
      this.#place?.leave();
      if (!this.#settled) this.#end();
      this.#settled = true;
    });
    context.began();
  }

  /** Finds the route and lets it answer. */
  begin(): void {
    const { method, path } = this.#head;
    if (this.#context.phase() === 'closed') {
      this.#refuse(new AppError('unavailable', 'unavailable', 'The server is shutting down.'));
      return;
    }
    if (this.#place === null) {
      this.#refuse(tooManyRequests('this address'));
      return;
    }
    const match: RouteMatch =
      path.length > PATH_BYTES_MAX ? { kind: 'not_found' } : this.#context.find(method, path);
    if (match.kind === 'method_not_allowed' && method === 'OPTIONS') {
      const headers = {
        allow: match.allow.join(', '),
        ...this.#context.cors.preflightHeaders(this.#head.headers, match.allow),
      };
      this.#settle(async () => ({ status: 204, headers }));
    } else if (match.kind !== 'found') this.#refuse(refusalOf(match));
    else this.#serve(match.route, match.params, this.#place);
  }

  #serve(route: HttpRoute, params: IncomingRequest['params'], place: RequestPlace): void {
    const { client, headers } = this.#head;
    const announced = {
      bytes: Number(headers.first('content-length') ?? 0),
      isChunked: this.#isLast,
      bytesMax: route.bodyBytesMax,
    };
    const body = new ArrivingBody(
      this.#native,
      announced,
      this.#context.bodies.roomFor(addressGroup(client.address)),
    );
    this.#body = body;
    this.#settle(async () => {
      try {
        return await route.handle(this.#requestOf(route, params, body, place));
      } finally {
        body.drop();
      }
    });
  }

  #requestOf(
    route: HttpRoute,
    params: IncomingRequest['params'],
    body: ArrivingBody,
    place: RequestPlace,
  ): IncomingRequest {
    const { path, query, headers, client } = this.#head;
    const reply = this.#reply;
    return {
      method: route.method,
      path,
      params,
      query: new URLSearchParams(query),
      header: (name) => headers.first(name),
      remoteAddress: client.address,
      requestId: this.#requestId,
      get signal() {
        return reply.signal;
      },
      receiveBody: (owner) => this.#receive(body, place, owner),
    };
  }

  async #receive(body: ArrivingBody, place: RequestPlace, owner: RequestOwner | null): Promise<Uint8Array> {
    if (owner !== null && !place.belongsTo(owner)) throw tooManyRequests('you');
    const { bodies, anonymousBodies, bodyTurns } = this.#context;
    const sender = owner === null ? addressGroup(this.#head.client.address) : owner.tenantId;
    const room = (owner === null ? anonymousBodies : bodies).roomFor(sender);
    try {
      return await body.receive(room, () => bodyTurns.next(sender));
    } finally {
      if (this.#isLast) await nextTurn();
    }
  }

  #refuse(error: AppError): void {
    this.#settle(() => Promise.reject(error));
  }

  #settle(work: () => Promise<HttpResponse>): void {
    const { turns } = this.#context;
    if (this.#isLast) void nextTurn().then(() => this.#respond(work));
    else if (turns.begin()) void this.#respond(work);
    else turns.wait(addressGroup(this.#head.client.address), () => void this.#respond(work));
  }

  #end(): void {
    this.#place?.leave();
    this.#context.ended();
  }

  async #respond(work: () => Promise<HttpResponse>): Promise<void> {
    if (this.#settled) return;
    this.#settled = true;
    const { method, path, headers } = this.#head;
    try {
      const cors = this.#context.cors.headersFor(headers);
      const asked = { method, path, cors, requestId: this.#requestId, isLast: this.#isLast };
      await respond(this.#reply, asked, work, this.#context);
    } finally {
      this.#end();
    }
  }
}

/** What came with the bytes that are being read has been read by then. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

function tooManyRequests(whose: string): AppError {
  return new AppError('rate_limited', 'rate_limited', `Too many requests of ${whose} are under way.`, {
    details: { retryAfterSeconds: RETRY_AFTER_SECONDS },
  });
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
  /** Headers for pages of other origins. */
  readonly cors: Readonly<Record<string, string>>;
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
    reply.send(withHeaders(response, asked.cors), {
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

function withHeaders(response: HttpResponse, headers: Readonly<Record<string, string>>): HttpResponse {
  if (headers === NO_HEADERS) return response;
  const merged = { ...response.headers, ...headers };
  const vary = [response.headers?.vary, headers.vary].filter((value) => value !== undefined);
  return { ...response, headers: vary.length > 1 ? { ...merged, vary: vary.join(', ') } : merged };
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
