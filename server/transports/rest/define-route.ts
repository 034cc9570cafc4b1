import { z } from 'zod';
import type { Access, CallerOf, Operation } from '../../kernel/operation.ts';
import type { HttpRequest, HttpResponse, RequestAtOnce } from '../../platform/http/types.ts';
import { EMPTY_BODY_BYTES_MAX, type HttpOperation } from '../pipeline/http-operation.ts';
import { csvResponse, type TableCell } from './csv-response.ts';
import { type Json, jsonResponse } from './json-response.ts';
import { BODY_BYTES_MAX } from './limits.ts';
import { checkInput, readBody, readQuery, requireEmptyBody } from './read-input.ts';

type Parsed<Schema> = Schema extends z.ZodType ? z.output<Schema> : undefined;

interface RouteInput<A extends Access, Params, Query, Body> {
  readonly actor: CallerOf<A>;
  readonly params: Parsed<Params>;
  readonly query: Parsed<Query>;
  readonly body: Parsed<Body>;
  readonly request: HttpRequest;
}

interface RouteDefinition<A extends Access, Params, Query, Body, Response extends z.ZodType<Json>>
  extends Defined<A>,
    Pick<HttpOperation, 'headers'> {
  /** The path's `:names`; without it they are not checked and not given to `handle`. */
  readonly params?: Params;
  /** Without it any query is refused. */
  readonly query?: Query;
  /** Without it the request has no body, or one that says nothing. Unknown keys are refused: `z.strictObject`. */
  readonly body?: Body;
  readonly response: Response;
  /** True for what a machine asks all the time: logged at `debug`. */
  readonly quiet?: boolean;
  /** The status of this answer, where it isn't always the same. */
  readonly statusOf?: (answer: z.output<Response>) => number;
  /** The answer as a table with a line of names, for who accepts `text/csv` (RFC 4180). */
  readonly toTable?: (answer: z.output<Response>) => readonly (readonly TableCell[])[];
  readonly handle: (
    input: RouteInput<A, Params, Query, Body>,
  ) => Promise<z.output<Response> | WithHeaders<z.output<Response>>>;
}

/** A JSON answer that has headers of its own. Made by `withHeaders`. */
export class WithHeaders<Body> {
  readonly body: Body;
  readonly headers: Readonly<Record<string, string>>;

  constructor(body: Body, headers: Readonly<Record<string, string>>) {
    this.body = body;
    this.headers = headers;
  }
}

/** An answer with further headers. */
export function withHeaders<Body>(body: Body, headers: Readonly<Record<string, string>>): WithHeaders<Body> {
  return new WithHeaders(body, headers);
}

/** What every route says of itself. */
interface Defined<A extends Access> extends Operation<A>, Pick<HttpOperation, 'method' | 'path' | 'status'> {}

/** A route that takes and gives JSON. Its input is checked in the order params, query, body. */
export function defineRoute<
  A extends Access,
  Response extends z.ZodType<Json>,
  Params extends z.ZodType | undefined = undefined,
  Query extends z.ZodType | undefined = undefined,
  Body extends z.ZodType | undefined = undefined,
>(definition: RouteDefinition<A, Params, Query, Body, Response>): HttpOperation {
  const { handle, statusOf, toTable, params, query, body, status, ...described } = definition;
  return {
    ...described,
    status,
    params: params ?? null,
    query: query ?? NO_QUERY,
    body: body ?? null,
    bodyBytesMax: body ? BODY_BYTES_MAX : EMPTY_BODY_BYTES_MAX,
    quiet: described.quiet ?? false,
    async answer(actor, request) {
      const input = {
        actor,
        params: params && checkInput(params, request.params, 'params'),
        query: checkInput(query ?? NO_QUERY, readQuery(request.query), 'query'),
        body: body ? checkInput(body, readBody(request), 'body') : requireEmptyBody(request),
        request,
        // The pipeline asked for the permission before; the schemas were applied just now.
      } as RouteInput<A, Params, Query, Body>;
      const given = await handle(input);
      const answered = given instanceof WithHeaders ? given.body : given;
      const own = given instanceof WithHeaders ? given.headers : {};
      if (toTable && acceptsTables(request)) return csvResponse(status, toTable(answered));
      const response = jsonResponse(statusOf?.(answered) ?? status, answered);
      const headers = { ...response.headers, ...own };
      return { ...response, headers: toTable ? { ...headers, vary: 'accept' } : headers };
    },
  };
}

/** True for who names the media type of tables; who takes anything gets JSON. */
function acceptsTables(request: HttpRequest): boolean {
  return /(^|,)\s*text\/csv\s*(;|,|$)/i.test(request.header('accept') ?? '');
}

const NO_QUERY = z.strictObject({});

interface RawRouteDefinition<A extends Access>
  extends Defined<A>,
    Pick<HttpOperation, 'errorBody' | 'bodyType'> {
  /** The media type of the answer. */
  readonly response: string;
  /** For the documentation, as are those of `HttpOperation`. */
  readonly params?: z.ZodType;
  readonly quiet?: boolean;
  /** Default: no body. */
  readonly bodyBytesMax?: number;
  readonly handle: (input: {
    readonly actor: CallerOf<A>;
    readonly request: HttpRequest;
  }) => Promise<HttpResponse>;
}

/** A route whose body or answer is no JSON that is held in memory. Its params, query and body are not checked. */
export function defineRawRoute<A extends Access>(definition: RawRouteDefinition<A>): HttpOperation {
  const { handle, ...described } = definition;
  return {
    ...described,
    params: described.params ?? null,
    query: null,
    body: null,
    bodyBytesMax: described.bodyBytesMax ?? 0,
    quiet: described.quiet ?? false,
    answer: (actor, request) => handle({ actor: actor as CallerOf<A>, request }),
  };
}

/** A public route that answers what it has in memory, in the turn in which it is asked. Its params and query are not checked. */
export function defineRouteAtOnce({
  answer,
  ...described
}: Omit<RawRouteDefinition<'public'>, 'handle'> & {
  readonly audit: 'none';
  readonly answer: (request: RequestAtOnce) => HttpResponse;
}): HttpOperation {
  return {
    ...defineRawRoute({ ...described, handle: async ({ request }) => answer(request) }),
    answerAtOnce: answer,
  };
}
