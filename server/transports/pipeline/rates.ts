import type { Actor } from '../../kernel/actor.ts';
import { AppError } from '../../kernel/errors.ts';
import { addressGroup } from '../../kernel/network-address.ts';
import type { HttpResponse } from '../../platform/http/types.ts';
import type { Connection } from './steps.ts';

/** How much of a limit is left in the interval that runs. */
export interface RateState {
  readonly limit: number;
  readonly remaining: number;
  /** When the interval ends, in whole seconds from now. */
  readonly resetSeconds: number;
}

/** Counts what happens within intervals, by key. Who is silent takes no memory in the end. */
export interface RateWindow {
  /** Counts one more; `isTaken` is false, and nothing is counted, where none was left. */
  take(key: string): RateState & { readonly isTaken: boolean };
}

/** What is counted; null: it is not limited. */
export interface RateWindows {
  /** Requests of one credential. */
  readonly token: RateWindow | null;
  /** Requests in one tenant. */
  readonly tenant: RateWindow | null;
  /** Requests of one address by callers who haven't said who they are. */
  readonly address: RateWindow | null;
  /** Credentials from one address that nobody has. */
  readonly guesses: RateWindow | null;
  /** Frames and publications of one tenant's devices. */
  readonly messages: RateWindow | null;
  /** Requests for single operations, by name: of one credential, or of one address for those that are public. */
  readonly operations: Readonly<Record<string, RateWindow | undefined>>;
}

/** How often somebody may ask. What is too much is refused with `rate_limited`, which says when to come again. */
export interface Rates {
  /** Counts a request; gives the limit of which the least is left, or null where there is none. */
  countRequest(operation: string, actor: Actor | null, connection: Connection): RateState | null;
  /** Counts something that a device sends over its connection. */
  countMessage(actor: Actor): void;
  /** A credential came that nobody has. What it is refused with where too many came from there; null: as always. */
  countGuess(connection: Connection): AppError | null;
}

/** Requests for one operation in a minute: what is worth guessing, leaves much behind, or reads all of a tenant. */
export const OPERATION_RATES: Readonly<Record<string, number>> = {
  'users.setUp': 10,
  'users.sessions.create': 120,
  'users.recover': 20,
  'users.exportSelf': 10,
  'networks.create': 120,
  'devices.create': 1_200,
  'devices.tokens.rotate': 600,
  'devices.mqttLogin.set': 600,
  'devices.claim': 20,
  'devices.provision': 600,
  'claims.create': 30,
  'claims.collect': 600,
  'oauth.deviceAuthorization': 30,
  'oauth.token': 600,
  'oauth.requests.find': 20,
  'oauth.requests.decide': 20,
};

/** What machines ask all the time, from wherever they are. */
const NOT_COUNTED: ReadonlySet<string> = new Set(['server.live', 'server.ready']);

type Scope = 'token' | 'tenant' | 'address' | 'operation' | 'messages';

/** Rates by these windows. */
export function createRates(windows: RateWindows): Rates {
  return {
    countRequest(operation, actor, { remoteAddress }) {
      if (NOT_COUNTED.has(operation)) return null;
      const address = addressGroup(remoteAddress);
      const asked: [Scope, RateWindow | null | undefined, string][] =
        actor === null
          ? [
              ['operation', windows.operations[operation], address],
              ['address', windows.address, address],
            ]
          : [
              ['operation', windows.operations[operation], keyOf(actor)],
              ['token', windows.token, keyOf(actor)],
              ['tenant', windows.tenant, actor.tenantId],
            ];
      return takeOfEach(asked);
    },

    countMessage(actor) {
      if (windows.messages !== null) takeOfEach([['messages', windows.messages, actor.tenantId]]);
    },

    countGuess({ remoteAddress }) {
      const state = windows.guesses?.take(addressGroup(remoteAddress));
      return state === undefined || state.isTaken ? null : tooMany('address', state);
    },
  };
}

function takeOfEach(
  asked: readonly (readonly [Scope, RateWindow | null | undefined, string])[],
): RateState | null {
  let tightest: RateState | null = null;
  for (const [scope, window, key] of asked) {
    if (window === null || window === undefined) continue;
    const state = window.take(key);
    if (!state.isTaken) throw tooMany(scope, state);
    if (tightest === null || state.remaining / state.limit < tightest.remaining / tightest.limit)
      tightest = state;
  }
  return tightest;
}

/** What a caller is counted under: the credential it shows. */
function keyOf(actor: Actor): string {
  return actor.kind === 'service' ? actor.service : actor.credentialId;
}

function tooMany(scope: Scope, { limit, resetSeconds }: RateState): AppError {
  return new AppError('rate_limited', 'rate_limited', 'Too many requests. Try again later.', {
    details: { scope, limit, retryAfterSeconds: Math.max(1, resetSeconds) },
  });
}

/** The limit that a refusal says is used up; null: it is another refusal. */
export function rateOfRefusal({ details }: AppError): RateState | null {
  const { limit, scope, retryAfterSeconds } = details ?? {};
  if (scope === undefined || typeof limit !== 'number' || typeof retryAfterSeconds !== 'number') return null;
  return { limit, remaining: 0, resetSeconds: retryAfterSeconds };
}

/**
 * What an answer says of a limit: the fields of draft-ietf-httpapi-ratelimit-headers-07, and those that clients knew
 * before. Seconds count from now.
 */
function rateHeaders({ limit, remaining, resetSeconds }: RateState): Readonly<Record<string, string>> {
  const [limitText, remainingText, resetText] = [String(limit), String(remaining), String(resetSeconds)];
  return {
    'ratelimit-limit': limitText,
    'ratelimit-remaining': remainingText,
    'ratelimit-reset': resetText,
    'x-ratelimit-limit': limitText,
    'x-ratelimit-remaining': remainingText,
    'x-ratelimit-reset': resetText,
  };
}

/** The answer with what it says of limits. */
export function withRate(response: HttpResponse, rate: RateState | null): HttpResponse {
  return rate === null ? response : { ...response, headers: { ...response.headers, ...rateHeaders(rate) } };
}
