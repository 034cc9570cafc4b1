/** HTTP as transports see it, free of the library underneath. */

import type { RequestOwner } from '../listening/request-shares.ts';

/** What is known of a request before its body. */
export interface HttpRequestHead {
  /** Upper case. HEAD arrives at a GET route as GET; the body of its answer is left out. */
  readonly method: string;
  /** The path as sent, still percent-encoded, without the query. */
  readonly path: string;
  /** The `:names` of the route's path, percent-decoded. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  /** A header by its lower-case name. Asked of the request itself: `this` keeps it from being taken out of it. */
  header(this: object, name: string): string | undefined;
  /** The client's, behind proxies that are trusted to name it. */
  readonly remoteAddress: string;
  /** Names this request in the answer's `X-Request-Id`, in error bodies and in logs. */
  readonly requestId: string;
  /** Aborted when the client goes away before the answer is complete. */
  readonly signal: AbortSignal;
  /**
   * Aborted, with the refusal as its reason, when the sender loses what the request needs, such as its credential; also after the
   * client went away. Not there while nobody is known to have sent it.
   */
  readonly revoked?: AbortSignal | undefined;
}

/** One request whose body was read to its end. */
export interface HttpRequest extends HttpRequestHead {
  readonly body: Uint8Array;
}

/** One request whose body waits until it is known who sends it. */
export interface IncomingRequest extends HttpRequestHead {
  /**
   * Counts the request among its owner's (null: nobody known sends it) and reads its body. Refuses with `rate_limited` where they have
   * too many under way, with `too_large`, with `unavailable` where too much is arriving, and with `invalid_input` when it
   * breaks off.
   */
  receiveBody(owner: RequestOwner | null): Promise<Uint8Array>;
}

/** One request that is answered while its head is read: without a body, and without anything to wait for. */
export type RequestAtOnce = Pick<
  HttpRequestHead,
  'path' | 'params' | 'header' | 'remoteAddress' | 'requestId'
>;

/** An answer. `Content-Length`, `X-Request-Id` and security headers are added by the server. */
export interface HttpResponse {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Text or bytes are sent at once; an AsyncIterable is streamed with back-pressure and ends when it ends. */
  readonly body?: string | Uint8Array | AsyncIterable<string>;
  /** Aborted when a stream has to be asked for its next piece at once, whether or not the client reads: it breaks off then. */
  readonly cut?: AbortSignal;
}

/** What answers requests of one method and path. */
export interface HttpRoute {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Segments are literal or `:name`: `/api/v1/devices/:deviceId`. A last segment `*` takes any rest, as param `*`. */
  readonly path: string;
  /** A larger body is refused with `too_large`. */
  readonly bodyBytesMax: number;
  /** Called with the head. A body that it doesn't ask for is dropped when its answer goes out. */
  handle(request: IncomingRequest): Promise<HttpResponse>;
  /** The same answer for a request without a body, where nothing has to be waited for. Never throws, and its body is no stream. */
  handleAtOnce?(request: RequestAtOnce): HttpResponse;
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
