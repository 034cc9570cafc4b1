import type { Arrival } from '../../domains/presence/index.ts';
import type { Actor } from '../../kernel/actor.ts';
import type { NetworkId } from '../../kernel/ids.ts';
import type { HttpResponse, IncomingRequest } from '../../platform/http/types.ts';
import { Cut } from './cut.ts';
import { FollowedStream } from './followed-stream.ts';
import type { RateState } from './rates.ts';
import { CuttableRequest } from './request-views.ts';

/** An HTTP request that is being served, and how it came in. */
export interface ArrivedRequest {
  readonly request: IncomingRequest;
  readonly arrival: Arrival;
  /** The limit of which the least is left for its sender; null: not known, or there is none. */
  rate: RateState | null;
}

/**
 * Serves a request as a connection in the registry, until its answer is complete: who loses what the request needs is cut
 * off. Before its answer begins it is refused with the reason; a streamed answer breaks off. `serve` calls `begin` once the
 * request is there as a whole: what was cut until then doesn't begin. A change that has begun is answered, were it that the
 * actor takes away its own right to make it.
 */
export async function serveRegistered(
  { request, arrival }: ArrivedRequest,
  { actor, isChange }: { readonly actor: Actor; readonly isChange: boolean },
  serve: (request: IncomingRequest, begin: () => void) => Promise<HttpResponse>,
): Promise<HttpResponse> {
  const cut = new Cut();
  let isCuttable = true;
  const release = arrival.register({
    kind: 'http',
    actor,
    concerns: (networkId) => mayConcern(actor, networkId),
    end: (reason) => {
      if (isCuttable) cut.cut(reason);
    },
  });
  const begin = () => {
    cut.requireUncut();
    isCuttable = !isChange;
  };
  let lasts = false;
  try {
    const answer = await cut.before(serve(new CuttableRequest(request, cut), begin));
    const { body } = answer;
    if (body === undefined || typeof body === 'string' || body instanceof Uint8Array) return answer;
    const stream = new FollowedStream(untilCut(body, cut), request.signal);
    lasts = true;
    void stream.ended.then(release);
    return { ...answer, body: stream, cut: cut.signal };
  } finally {
    if (!lasts) release();
  }
}

/** An account's request may be about any network it sees. */
function mayConcern(actor: Actor, networkId: NetworkId): boolean {
  return actor.kind !== 'account' || actor.networkIds === null || actor.networkIds.includes(networkId);
}

function untilCut(body: AsyncIterable<string>, cut: Cut): AsyncIterable<string> {
  return {
    [Symbol.asyncIterator]() {
      const iterator = body[Symbol.asyncIterator]();
      const leave = async (value?: unknown) =>
        (await iterator.return?.(value)) ?? { done: true as const, value };
      return {
        next: () =>
          cut.before(iterator.next()).catch((error: unknown) => {
            // A generator at work takes `return` when its step has ended; nobody waits for that.
            leave().catch(() => undefined);
            throw error;
          }),
        return: leave,
      };
    },
  };
}
