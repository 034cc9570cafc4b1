import { z } from 'zod';
import type { ErrorCodeName } from '../../../proto/index.ts';
import type { AccountActor, Actor } from '../../kernel/actor.ts';
import type { HttpRequest, HttpResponse, HttpRoute } from '../../platform/http/types.ts';
import { type Json, jsonResponse } from './json-response.ts';
import { checkInput, readJson, readQuery } from './read-input.ts';

/** Who may ask: anybody; a user; an operator; a user or a device. */
export type Access = 'public' | 'user' | 'operator' | 'any';

/** Who asks, once `access` was checked. */
export type ActorOf<A extends Access> = A extends 'public' ? null : A extends 'any' ? Actor : AccountActor;

/** What the documentation says of a route, whichever transport serves it. */
export interface RouteDescription {
  /** The operation's one name: in logs, metrics, audit and documentation. */
  readonly operation: string;
  readonly method: HttpRoute['method'];
  readonly path: string;
  readonly access: Access;
  /** One line for the documentation. */
  readonly summary: string;
  readonly params: z.ZodType | null;
  readonly query: z.ZodType | null;
  readonly body: z.ZodType | null;
  /** The schema of a JSON answer, or the media type of another. */
  readonly response: z.ZodType | string;
  readonly status: number;
  /** Codes this operation itself may answer with. The ones of every route (`internal` ...) are not repeated. */
  readonly errors: readonly ErrorCodeName[];
  /** The schema of an error's body, where it isn't REST's. */
  readonly errorBody?: z.ZodType;
  /** Headers that mean something to this operation, as properties; who handles the request reads and checks them. */
  readonly headers?: z.ZodType;
}

/** A route of any shape: what the transport serves, the documentation describes and tests enumerate. */
export interface RestRoute extends RouteDescription {
  /** True for what a machine asks all the time: logged at `debug`. */
  readonly quiet: boolean;
  /** Validates, asks, encodes. The actor is what `access` promises. */
  answer(actor: Actor | null, request: HttpRequest): Promise<RouteAnswer>;
}

/** An answer, with the value of a JSON answer before it was encoded. */
export interface RouteAnswer {
  readonly response: HttpResponse;
  readonly value?: unknown;
}

type Parsed<Schema> = Schema extends z.ZodType ? z.output<Schema> : undefined;

interface RouteInput<A extends Access, Params, Query, Body> {
  readonly actor: ActorOf<A>;
  readonly params: Parsed<Params>;
  readonly query: Parsed<Query>;
  readonly body: Parsed<Body>;
  readonly request: HttpRequest;
}

interface RouteDefinition<A extends Access, Params, Query, Body, Response extends z.ZodType<Json>>
  extends Pick<RestRoute, 'operation' | 'method' | 'path' | 'summary' | 'status' | 'errors' | 'headers'> {
  readonly access: A;
  /** The path's `:names`; without it they are not checked and not given to `handle`. */
  readonly params?: Params;
  /** Without it any query is refused. */
  readonly query?: Query;
  /** Without it the request's body is not looked at. Unknown keys are refused: `z.strictObject`. */
  readonly body?: Body;
  readonly response: Response;
  readonly handle: (input: RouteInput<A, Params, Query, Body>) => Promise<z.output<Response>>;
}

/** A route that takes and gives JSON. Its input is checked in the order params, query, body. */
export function defineRoute<
  A extends Access,
  Response extends z.ZodType<Json>,
  Params extends z.ZodType | undefined = undefined,
  Query extends z.ZodType | undefined = undefined,
  Body extends z.ZodType | undefined = undefined,
>(definition: RouteDefinition<A, Params, Query, Body, Response>): RestRoute {
  const { params, query, body, status } = definition;
  return {
    ...described(definition),
    params: params ?? null,
    query: query ?? NO_QUERY,
    body: body ?? null,
    response: definition.response,
    quiet: false,
    async answer(actor, request) {
      const input = {
        actor,
        params: params && checkInput(params, request.params, 'params'),
        query: checkInput(query ?? NO_QUERY, readQuery(request.query), 'query'),
        body: body && checkInput(body, readJson(request), 'body'),
        request,
        // The transport checked `access` before; the schemas were applied just now.
      } as RouteInput<A, Params, Query, Body>;
      const value = await definition.handle(input);
      return { response: jsonResponse(status, value), value };
    },
  };
}

const NO_QUERY = z.strictObject({});

interface RawRouteDefinition<A extends Access>
  extends Pick<RestRoute, 'operation' | 'method' | 'path' | 'summary' | 'status' | 'errors'> {
  readonly access: A;
  /** The media type of the answer. */
  readonly response: string;
  readonly quiet?: boolean;
  /** Describes the body for the documentation; `handle` reads and checks it itself. */
  readonly body?: z.ZodType;
  readonly handle: (input: {
    readonly actor: ActorOf<A>;
    readonly request: HttpRequest;
  }) => Promise<HttpResponse>;
}

/** A route whose answer isn't JSON, or streamed, or whose input follows someone else's rules. */
export function defineRawRoute<A extends Access>(definition: RawRouteDefinition<A>): RestRoute {
  return {
    ...described(definition),
    params: null,
    query: null,
    body: definition.body ?? null,
    response: definition.response,
    quiet: definition.quiet ?? false,
    answer: async (actor, request) => ({
      response: await definition.handle({ actor: actor as ActorOf<A>, request }),
    }),
  };
}

function described<A extends Access>(
  definition: Pick<
    RawRouteDefinition<A>,
    'operation' | 'method' | 'path' | 'summary' | 'status' | 'errors' | 'access'
  > &
    Pick<RouteDescription, 'headers'>,
) {
  const { operation, method, path, access, summary, status, errors, headers } = definition;
  return {
    operation,
    method,
    path,
    access,
    summary,
    status,
    errors,
    ...(headers === undefined ? {} : { headers }),
  };
}
