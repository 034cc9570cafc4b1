/** HTTP as transports see it, free of the library underneath. */

/** One request whose body was read to its end. */
export interface HttpRequest {
  /** Upper case. HEAD arrives at a GET route as GET; the body of its answer is left out. */
  readonly method: string;
  /** The path as sent, still percent-encoded, without the query. */
  readonly path: string;
  /** The `:names` of the route's path, percent-decoded. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  /** A header by its lower-case name. */
  header(name: string): string | undefined;
  readonly body: Uint8Array;
  readonly remoteAddress: string;
  /** Names this request in the answer's `X-Request-Id`, in error bodies and in logs. */
  readonly requestId: string;
  /** Aborted when the client goes away before the answer is complete. */
  readonly signal: AbortSignal;
}

/** An answer. `Content-Length`, `X-Request-Id` and security headers are added by the server. */
export interface HttpResponse {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Text or bytes are sent at once; an AsyncIterable is streamed with back-pressure and ends when it ends. */
  readonly body?: string | Uint8Array | AsyncIterable<string>;
}

/** What answers requests of one method and path. */
export interface HttpRoute {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Segments are literal or `:name`: `/api/v1/devices/:deviceId`. A last segment `*` takes any rest, as param `*`. */
  readonly path: string;
  /** A larger body is refused with `too_large` before this route hears of the request. */
  readonly bodyBytesMax: number;
  handle(request: HttpRequest): Promise<HttpResponse>;
}

/**
 * The answer to an error: an AppError (of a handler, or of the server itself: `not_found`, `method_not_allowed`, `too_large`,
 * `invalid_input`, `unavailable`) or anything else, which is our fault and was logged with its stack. The path was asked
 * for, whether or not there is something at it: it says in which form the client reads errors.
 */
export type RespondToError = (
  error: unknown,
  asked: { readonly requestId: string; readonly path: string },
) => HttpResponse;
