import type { Arrival } from '../../domains/presence/index.ts';
import type { Actor } from '../../kernel/actor.ts';
import type { NetworkId } from '../../kernel/ids.ts';
import type { HttpResponse, IncomingRequest } from '../../platform/http/types.ts';
import { FollowedStream } from './followed-stream.ts';
import type { RateState } from './rates.ts';

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
  const cut = new AbortController();
  let isCuttable = true;
  const release = arrival.register({
    kind: 'http',
    actor,
    concerns: (networkId) => mayConcern(actor, networkId),
    end: (reason) => {
      if (isCuttable) cut.abort(reason);
    },
  });
  const begin = () => {
    cut.signal.throwIfAborted();
    isCuttable = !isChange;
  };
  let lasts = false;
  try {
    const answer = await unlessCut(serve(withSignal(request, cut.signal), begin), cut.signal);
    const { body } = answer;
    if (body === undefined || typeof body === 'string' || body instanceof Uint8Array) return answer;
    const stream = new FollowedStream(untilCut(body, cut.signal), request.signal);
    lasts = true;
    void stream.ended.then(release);
    return { ...answer, body: stream };
  } finally {
    if (!lasts) release();
  }
}

/** An account's request may be about any network it sees. */
function mayConcern(actor: Actor, networkId: NetworkId): boolean {
  return actor.kind !== 'account' || actor.networkIds === null || actor.networkIds.includes(networkId);
}

/** The request with a signal that also tells when it is cut, made only where somebody asks for it, and one that tells nothing else. */
function withSignal(request: IncomingRequest, cut: AbortSignal): IncomingRequest {
  let signal: AbortSignal | null = null;
  return Object.create(request, {
    revoked: { value: cut },
    signal: {
      get: () => {
        signal ??= AbortSignal.any([request.signal, cut]);
        return signal;
      },
    },
  }) as IncomingRequest;
}

/** The result; rejects with the reason of the cut, should that come first. */
function unlessCut<T>(result: Promise<T>, cut: AbortSignal): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const stop = () => reject(cut.reason);
    if (cut.aborted) stop();
    cut.addEventListener('abort', stop, { once: true });
    result.then(resolve, reject).finally(() => cut.removeEventListener('abort', stop));
  });
}

function untilCut(body: AsyncIterable<string>, cut: AbortSignal): AsyncIterable<string> {
  return {
    [Symbol.asyncIterator]() {
      const iterator = body[Symbol.asyncIterator]();
      const leave = async (value?: unknown) =>
        (await iterator.return?.(value)) ?? { done: true as const, value };
      return {
        next: () =>
          unlessCut(iterator.next(), cut).catch((error: unknown) => {
            // A generator at work takes `return` when its step has ended; nobody waits for that.
            leave().catch(() => undefined);
            throw error;
          }),
        return: leave,
      };
    },
  };
}
