import type { World } from '../../support/world.ts';

/** A request to the server of a `World`. */
export interface RestRequest {
  /** Where it isn't the operation's own. */
  readonly method?: string;
  readonly path: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What every REST route must show, beside working. */
export interface RestCase {
  /** A request that is fine but for who asks: what callers without the right see is derived from the route's access. */
  readonly valid: (world: World) => RestRequest;
  /** A request of a caller with the right that is refused. */
  readonly refused: (world: World) => RestRequest;
  readonly status: number;
  readonly code: string;
}

export const UNKNOWN_ID = '00000000-0000-4000-8000-00000000dead';
export const unknownQuery = { status: 400, code: 'invalid_input' } as const;
export const wrongMethod = { status: 405, code: 'method_not_allowed' } as const;
