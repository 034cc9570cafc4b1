import { AppError } from '../../kernel/errors.ts';
import type { Logger } from '../../kernel/logger.ts';
import { type BodyOutcome, collectBody } from './body.ts';
import { PATH_BYTES_MAX } from './limits.ts';
import { Reply } from './reply.ts';
import type { RouteMatch } from './router.ts';
import type { HttpRequest, HttpResponse, RespondToError } from './types.ts';
import type { NativeRequest, NativeResponse } from './uws.ts';

/** What every exchange of one server shares. */
export interface ExchangeContext {
  readonly find: (method: string, path: string) => RouteMatch;
  readonly newRequestId: () => string;
  readonly respondToError: RespondToError;
  readonly logger: Logger;
  /** `draining`: answers end their connection. `closed`: nothing is begun any more. */
  readonly phase: () => 'serving' | 'draining' | 'closed';
  readonly began: () => void;
  readonly ended: () => void;
}

/** Header values by lower-case name. Copied because the library's request doesn't outlive its callback. */
export class Headers {
  readonly #values = new Map<string, string[]>();

  constructor(native: NativeRequest) {
    native.forEach((name, value) => {
      const values = this.#values.get(name);
      if (values) values.push(value);
      else this.#values.set(name, [value]);
    });
  }

  /** The first value: what matters here appears once, and a second one must not override it. */
  first(name: string): string | undefined {
    return this.#values.get(name)?.[0];
  }

  all(name: string): readonly string[] {
    return this.#values.get(name) ?? [];
  }
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
  let receiving = false;
  const reply = new Reply(native, () => {
    if (receiving) context.ended();
  });
  const method = incoming.getCaseSensitiveMethod().toUpperCase();
  const path = incoming.getUrl();
  const query = incoming.getQuery() ?? '';
  const headers = new Headers(incoming);
  const remoteAddress = remoteAddressOf(native);
  const requestId = context.newRequestId();

  context.began();
  const finish = async (work: () => Promise<HttpResponse>) => {
    try {
      await respond(reply, { method, path, requestId }, work, context);
    } finally {
      context.ended();
    }
  };
  const refuse = (error: AppError) => finish(() => Promise.reject(error));

  if (context.phase() === 'closed') {
    void refuse(new AppError('unavailable', 'unavailable', 'The server is shutting down.'));
    return;
  }
  const match: RouteMatch = path.length > PATH_BYTES_MAX ? { kind: 'not_found' } : context.find(method, path);
  if (match.kind === 'method_not_allowed' && method === 'OPTIONS') {
    const headersOfAnswer = { allow: match.allow.join(', ') };
    void finish(async () => ({ status: 204, headers: headersOfAnswer }));
    return;
  }
  if (match.kind !== 'found') {
    void refuse(refusalOf(match));
    return;
  }

  const { route, params } = match;
  receiving = true;
  collectBody(native, headers.all('content-length'), route.bodyBytesMax, (body) => {
    receiving = false;
    if (!(body instanceof Uint8Array)) {
      void refuse(bodyRefusal(body, route.bodyBytesMax));
      return;
    }
    const request: HttpRequest = {
      method: route.method,
      path,
      params,
      query: new URLSearchParams(query),
      header: (name) => headers.first(name),
      body,
      remoteAddress,
      requestId,
      get signal() {
        return reply.signal;
      },
    };
    void finish(() => route.handle(request));
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

function bodyRefusal(outcome: Exclude<BodyOutcome, Uint8Array>, bodyBytesMax: number): AppError {
  return outcome === 'too_large'
    ? new AppError('too_large', 'too_large', 'The body is too large.', { details: { bodyBytesMax } })
    : new AppError('invalid', 'invalid_input', 'Content-Length must be one number.');
}

interface Asked {
  readonly method: string;
  readonly path: string;
  readonly requestId: string;
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
      closeConnection: context.phase() !== 'serving',
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
  logger.error({ ...asked, error }, 'a request failed unexpectedly');
}
