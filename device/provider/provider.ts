import {
  ComputeCancel,
  ComputeRequest,
  ComputeResult,
  decodePayload,
  encodePayload,
  errorCodeNumber,
  FrameType,
  PayloadError,
  ProviderOffer,
  uuidFromBytes,
  type yggdrasil,
} from '../../proto/index.ts';
import {
  type BifrostClient,
  BifrostError,
  type Clock,
  type ReceivedFrame,
  SERVER_ID,
} from '../client/index.ts';
import type { Endpoint } from './endpoint.ts';
import { DRAIN_MS, OFFER_RETRY_MS } from './limits.ts';
import { type RequestOutcome, serveRequest } from './serve-request.ts';

/** A model on offer. */
export interface OfferedModel {
  /** As requesters name it. */
  readonly name: string;
  /** As the endpoint names it. */
  readonly endpointName: string;
  readonly priceCentsPer1000Tokens: number;
  /** Prompt and answer together. */
  readonly contextTokens: number;
}

/** What a provider tells whoever watches it. */
export type ProviderReport =
  | { readonly kind: 'offered' }
  | { readonly kind: 'offer_delayed'; readonly reason: string }
  | { readonly kind: 'dropped'; readonly reason: string }
  /** A request failed by a fault of the provider's own; `served` follows. */
  | { readonly kind: 'failed'; readonly requestId: string; readonly error: unknown }
  | { readonly kind: 'served'; readonly requestId: string; readonly outcome: RequestOutcome | 'refused' };

/** Refusals of an offer that another try may get past. */
const PASSING_REFUSALS: ReadonlySet<string> = new Set([
  'unavailable',
  'internal',
  'rate_limited',
  'timed_out',
  // An operator may confirm a way to be paid at any time.
  'payout_method_missing',
]);

/** Offers models over a Bifrost session and serves what comes, as many requests at a time as it has slots. */
export class Provider {
  readonly #models: readonly OfferedModel[];
  readonly #slots: number;
  readonly #client: BifrostClient;
  readonly #endpoint: Endpoint;
  readonly #clock: Clock;
  readonly #report: (report: ProviderReport) => void;
  readonly #running = new Map<string, { controller: AbortController; served: Promise<void> }>();
  #stopping = false;
  #fail: (error: Error) => void = () => {};

  constructor(
    options: { models: readonly OfferedModel[]; slots: number },
    dependencies: {
      client: BifrostClient;
      endpoint: Endpoint;
      clock: Clock;
      report: (report: ProviderReport) => void;
    },
  ) {
    this.#models = options.models;
    this.#slots = options.slots;
    this.#client = dependencies.client;
    this.#endpoint = dependencies.endpoint;
    this.#clock = dependencies.clock;
    this.#report = dependencies.report;
  }

  /**
   * Connects, offers, serves, and offers again after every reconnect. Resolves after `stop`; rejects with
   * `BifrostError` when the server refuses the device or the offer for good, or with whatever else it can't go on after;
   * the connection is then closed.
   */
  async run(): Promise<void> {
    if (this.#stopping) return;
    const ended = new Promise<void>((resolve, reject) => {
      this.#fail = reject;
      this.#client.on('close', ({ retryInMs, refusal }) => {
        // Whoever waited for these answers was told that we are gone.
        for (const { controller } of this.#running.values()) controller.abort();
        if (retryInMs !== null) return;
        if (refusal === null) resolve();
        else reject(refusal);
      });
    });
    this.#client.on('open', () => void this.#offer());
    this.#client.on('frame', (frame) => {
      if (frame.sourceId !== SERVER_ID) return;
      try {
        this.#received(frame);
      } catch (error) {
        if (!(error instanceof PayloadError)) throw error;
        this.#report({ kind: 'dropped', reason: error.message });
      }
    });
    const connected = this.#client.connect().catch((error) => {
      if (!this.#stopping) throw error;
    });
    await Promise.all([connected, ended]);
  }

  /** Takes the offer back, lets running requests finish for a few seconds, and disconnects. */
  async stop(): Promise<void> {
    if (this.#stopping) return;
    this.#stopping = true;
    this.#client.sendTransient({ type: FrameType.PROVIDER_WITHDRAW, payload: new Uint8Array(0) });
    const served = Promise.all([...this.#running.values()].map((request) => request.served));
    const { promise: drained, cancel } = timeout(this.#clock, DRAIN_MS);
    await Promise.race([served, drained]);
    cancel();
    for (const { controller } of this.#running.values()) controller.abort();
    this.#client.close();
  }

  async #offer(): Promise<void> {
    const payload = encodePayload(ProviderOffer, {
      slots: this.#slots,
      models: this.#models.map(({ name, priceCentsPer1000Tokens, contextTokens }) => ({
        name,
        priceCentsPer_1000Tokens: priceCentsPer1000Tokens,
        contextTokens,
      })),
    });
    try {
      await this.#client.request({ type: FrameType.PROVIDER_OFFER, payload });
      this.#report({ kind: 'offered' });
    } catch (error) {
      const code = error instanceof BifrostError ? error.code : 'internal';
      if (this.#stopping || code === 'session_lost' || code === 'client_closed') return;
      if (PASSING_REFUSALS.has(code)) {
        this.#report({ kind: 'offer_delayed', reason: reasonOf(error, code) });
        this.#clock.after(OFFER_RETRY_MS, () => {
          if (this.#client.state === 'open' && !this.#stopping) void this.#offer();
        });
      } else {
        this.#end(error as Error);
      }
    }
  }

  #end(error: Error): void {
    this.#fail(error);
    this.#client.close();
  }

  #received(frame: ReceivedFrame): void {
    if (frame.type === FrameType.COMPUTE_REQUEST)
      this.#requested(decodePayload(ComputeRequest, frame.payload));
    else if (frame.type === FrameType.COMPUTE_CANCEL) {
      const { requestId } = decodePayload(ComputeCancel, frame.payload);
      this.#running.get(uuidFromBytes(requestId))?.controller.abort();
    }
  }

  #requested(request: yggdrasil.v1.ComputeRequest): void {
    const requestId = uuidFromBytes(request.requestId);
    if (this.#running.has(requestId)) return;
    const model = this.#models.find(({ name }) => name === request.model);
    if (model === undefined) {
      this.#refuse(request, 'model_not_found', 'this provider does not offer the model');
      return;
    }
    if (this.#stopping || this.#running.size >= this.#slots) {
      this.#refuse(request, 'unavailable', 'all slots of this provider are taken');
      return;
    }
    const controller = new AbortController();
    const served = serveRequest(request, model.endpointName, {
      endpoint: this.#endpoint,
      send: (frame) => this.#client.sendTransient(frame),
      signal: controller.signal,
      unexpected: (error) => this.#report({ kind: 'failed', requestId, error }),
    })
      .then((outcome) => this.#report({ kind: 'served', requestId, outcome }))
      .catch((error: Error) => this.#end(error))
      .finally(() => this.#running.delete(requestId));
    this.#running.set(requestId, { controller, served });
  }

  #refuse(
    request: yggdrasil.v1.ComputeRequest,
    code: 'model_not_found' | 'unavailable',
    message: string,
  ): void {
    const error = { code: errorCodeNumber(code), message };
    this.#client.sendTransient({
      type: FrameType.COMPUTE_RESULT,
      payload: encodePayload(ComputeResult, { requestId: request.requestId, error }),
    });
    this.#report({ kind: 'served', requestId: uuidFromBytes(request.requestId), outcome: 'refused' });
  }
}

/** Where somebody must do something, what the server says about it; else the code. */
function reasonOf(error: unknown, code: string): string {
  return code === 'payout_method_missing' && error instanceof Error ? `${code}: ${error.message}` : code;
}

function timeout(clock: Clock, delayMs: number): { promise: Promise<void>; cancel: () => void } {
  let cancel = () => {};
  const promise = new Promise<void>((resolve) => {
    cancel = clock.after(delayMs, resolve);
  });
  return { promise, cancel };
}
