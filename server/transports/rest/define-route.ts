import { z } from 'zod';
import type { Access, CallerOf, Operation } from '../../kernel/operation.ts';
import type { HttpRequest, HttpResponse } from '../../platform/http/types.ts';
import type { HttpOperation } from '../pipeline/http-operation.ts';
import { readJson } from '../pipeline/read-json.ts';
import { type Json, jsonResponse } from './json-response.ts';
import { BODY_BYTES_MAX } from './limits.ts';
import { checkInput, readQuery } from './read-input.ts';

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
  /** Without it the request's body is not looked at. Unknown keys are refused: `z.strictObject`. */
  readonly body?: Body;
  readonly response: Response;
  /** True for what a machine asks all the time: logged at `debug`. */
  readonly quiet?: boolean;
  readonly handle: (input: RouteInput<A, Params, Query, Body>) => Promise<z.output<Response>>;
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
  const { handle, params, query, body, status, ...described } = definition;
  return {
    ...described,
    status,
    params: params ?? null,
    query: query ?? NO_QUERY,
    body: body ?? null,
    bodyBytesMax: body ? BODY_BYTES_MAX : 0,
    quiet: described.quiet ?? false,
    async answer(actor, request) {
      const input = {
        actor,
        params: params && checkInput(params, request.params, 'params'),
        query: checkInput(query ?? NO_QUERY, readQuery(request.query), 'query'),
        body: body && checkInput(body, readJson(request), 'body'),
        request,
        // The pipeline asked for the permission before; the schemas were applied just now.
      } as RouteInput<A, Params, Query, Body>;
      return jsonResponse(status, await handle(input));
    },
  };
}

const NO_QUERY = z.strictObject({});

interface RawRouteDefinition<A extends Access> extends Defined<A> {
  /** The media type of the answer. */
  readonly response: string;
  readonly quiet?: boolean;
  readonly handle: (input: {
    readonly actor: CallerOf<A>;
    readonly request: HttpRequest;
  }) => Promise<HttpResponse>;
}

/** A route whose answer isn't JSON. Its params, query and body are not checked. */
export function defineRawRoute<A extends Access>(definition: RawRouteDefinition<A>): HttpOperation {
  const { handle, ...described } = definition;
  return {
    ...described,
    params: null,
    query: null,
    body: null,
    bodyBytesMax: 0,
    quiet: described.quiet ?? false,
    answer: (actor, request) => handle({ actor: actor as CallerOf<A>, request }),
  };
}
