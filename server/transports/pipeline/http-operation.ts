import type { z } from 'zod';
import type { Actor } from '../../kernel/actor.ts';
import type { Operation } from '../../kernel/operation.ts';
import type { HttpRequest, HttpResponse, HttpRoute, RequestAtOnce } from '../../platform/http/types.ts';

/** What may come as the body of an operation that takes none: many clients send `{}`. */
export const EMPTY_BODY_BYTES_MAX = 1_024;

/** What the documentation says of an operation that is reached by HTTP, whichever transport serves it. */
export interface HttpDescription extends Operation {
  readonly method: HttpRoute['method'];
  /** As a route's: a last segment `*` takes any rest. */
  readonly path: string;
  /** What `*` is called in the documentation. */
  readonly restOfPath?: string;
  readonly params: z.ZodType | null;
  readonly query: z.ZodType | null;
  readonly body: z.ZodType | null;
  /** The media type of a body that isn't JSON. */
  readonly bodyType?: string;
  /** The schema of a JSON answer, or the media type of another. */
  readonly response: z.ZodType | string;
  readonly status: number;
  /** The schema of an error's body, where it isn't REST's. */
  readonly errorBody?: z.ZodType;
  /** Headers that mean something to this operation, as properties; who handles the request reads and checks them. */
  readonly headers?: z.ZodType;
}

/** An operation with its way over HTTP: what a transport serves, the documentation describes and tests enumerate. */
export interface HttpOperation extends HttpDescription {
  /** A longer body is refused, once it is known who sends it. */
  readonly bodyBytesMax: number;
  /** True for what a machine asks all the time: logged at `debug`. */
  readonly quiet: boolean;
  /** Decodes, calls the service, encodes. The actor is what `access` promises. */
  answer(actor: Actor | null, request: HttpRequest): Promise<HttpResponse>;
  /** The same of a public operation that the audit doesn't note, where there is nothing to wait for. */
  answerAtOnce?(request: RequestAtOnce): HttpResponse;
}
