import {
  ComputeBody,
  ComputeCancel,
  ComputeCredit,
  ComputeRequest,
  decodePayload,
  encodePayload,
  PayloadError,
  ProviderRegistration,
  RatatoskrType,
  uuidFromBytes,
  type yggdrasil,
} from '../../proto/index.ts';
import { BifrostError, type Clock, type RatatoskrClient, type WorkMessage } from '../client/index.ts';
import { AnswerCredit } from './answer-credit.ts';
import type { Endpoint } from './endpoint.ts';
import { EndpointError } from './endpoint-error.ts';
import { DRAIN_MS, OFFER_RETRY_MS, RECHECK_MS } from './limits.ts';
import { RequestBody } from './request-body.ts';
import { type RequestOutcome, sendFailure, serveRequest } from './serve-request.ts';

/** Cents for 1000 tokens, in decimal with up to six decimals. */
export interface OfferedPrices {
  readonly prompt: string;
  /** Prompt that the endpoint found in its cache. */
  readonly cachedPrompt: string;
  readonly completion: string;
}

/** A model on offer. */
export interface OfferedModel {
  /** As requesters name it. */
  readonly name: string;
  /** As the endpoint names it. */
  readonly endpointName: string;
  readonly prices: OfferedPrices;
  /** Prompt and answer together. */
  readonly contextTokens: number;
  /** The endpoint goes on with an answer whose beginning is the last message. */
  readonly continuesAnswers: boolean;
  /** What requests for it may ask for, as `OfferedModel.features` names it. Absent: it doesn't say. */
  readonly features?: readonly string[];
  /** Further fields of a request's body that the endpoint understands. */
  readonly fields?: readonly string[];
}

/** What a provider tells whoever watches it. */
export type ProviderReport =
  | { readonly kind: 'offered' }
  | { readonly kind: 'offer_delayed'; readonly reason: string }
  | { readonly kind: 'dropped'; readonly reason: string }
  /** A request failed by a fault of the provider's own; `served` follows. */
  | { readonly kind: 'failed'; readonly requestId: string; readonly error: unknown }
  /** The endpoint doesn't let us in: nothing is offered until it does. */
  | { readonly kind: 'denied'; readonly error: EndpointError }
  | { readonly kind: 'served'; readonly requestId: string; readonly outcome: RequestOutcome };

interface RunningRequest {
  readonly controller: AbortController;
  readonly body: RequestBody;
  readonly credit: AnswerCredit;
  readonly served: Promise<void>;
}

/** Refusals of an offer that another try may get past. */
const PASSING_REFUSALS: ReadonlySet<string> = new Set([
  'unavailable',
  'internal',
  'rate_limited',
  'timed_out',
  // An operator may confirm a way to be paid at any time.
  'payout_method_missing',
]);

/** Offers models in a session of Ratatoskr and serves what comes, as many requests at a time as it has slots. */
export class Provider {
  readonly #models: readonly OfferedModel[];
  readonly #slots: number;
  readonly #firstTokenTimeoutMs: number | null;
  readonly #client: RatatoskrClient;
  readonly #endpoint: Endpoint;
  readonly #clock: Clock;
  readonly #report: (report: ProviderReport) => void;
  readonly #running = new Map<string, RunningRequest>();
  readonly #stop = new AbortController();
  /** True while the endpoint doesn't let us in. */
  #isDenied = false;
  #isChecking = false;
  #fail: (error: Error) => void = () => {};

  constructor(
    options: { models: readonly OfferedModel[]; slots: number; firstTokenTimeoutMs: number | null },
    dependencies: {
      client: RatatoskrClient;
      endpoint: Endpoint;
      clock: Clock;
      report: (report: ProviderReport) => void;
    },
  ) {
    this.#models = options.models;
    this.#slots = options.slots;
    this.#firstTokenTimeoutMs = options.firstTokenTimeoutMs;
    this.#client = dependencies.client;
    this.#endpoint = dependencies.endpoint;
    this.#clock = dependencies.clock;
    this.#report = dependencies.report;
  }

  /**
   * Offers, serves, and offers again in every session of its client. Resolves after `stop`; rejects with
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
    this.#client.on('refused', ({ error: { code, message } }) =>
      this.#report({ kind: 'dropped', reason: `the server says ${code}: ${message}` }),
    );
    this.#client.on('work', (message) => {
      try {
        this.#received(message);
      } catch (error) {
        if (!(error instanceof PayloadError)) throw error;
        this.#report({ kind: 'dropped', reason: error.message });
      }
    });
    if (this.#client.state === 'open') void this.#offer();
    const connected = this.#client.ready().catch((error) => {
      if (!this.#stopping) throw error;
    });
    await Promise.all([connected, ended]);
  }

  /** Takes the offer back, lets running requests finish for a few seconds, and disconnects. */
  async stop(): Promise<void> {
    if (this.#stopping) return;
    this.#stop.abort();
    this.#withdraw();
    const drained = new AbortController();
    const served = Promise.all([...this.#running.values()].map((request) => request.served));
    await Promise.race([served, timeout(this.#clock, DRAIN_MS, drained.signal)]);
    drained.abort();
    for (const { controller } of this.#running.values()) controller.abort();
    this.#client.close();
  }

  get #stopping(): boolean {
    return this.#stop.signal.aborted;
  }

  #withdraw(): void {
    // Nothing depends on the answer: who can't be told is gone.
    this.#client.register(encodePayload(ProviderRegistration, { withdraw: {} })).catch(() => undefined);
  }

  async #offer(): Promise<void> {
    if (this.#isDenied) return;
    const offer = {
      slots: this.#slots,
      models: this.#models.map(({ name, prices, contextTokens, ...declared }) => ({
        name,
        contextTokens,
        continuesAnswers: declared.continuesAnswers,
        features: [...(declared.features ?? [])],
        fields: [...(declared.fields ?? [])],
        promptPriceCents: prices.prompt,
        cachedPromptPriceCents: prices.cachedPrompt,
        completionPriceCents: prices.completion,
      })),
    };
    try {
      await this.#client.register(encodePayload(ProviderRegistration, { offer }));
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

  #received({ type, payload }: WorkMessage): void {
    if (type === RatatoskrType.COMPUTE_REQUEST) this.#requested(decodePayload(ComputeRequest, payload));
    else if (type === RatatoskrType.COMPUTE_BODY) this.#bodyReceived(decodePayload(ComputeBody, payload));
    else if (type === RatatoskrType.COMPUTE_CREDIT) {
      const { requestId, bytes } = decodePayload(ComputeCredit, payload);
      this.#running.get(idOf(requestId))?.credit.grant(bytes);
    } else if (type === RatatoskrType.COMPUTE_CANCEL) {
      const { requestId } = decodePayload(ComputeCancel, payload);
      this.#running.get(idOf(requestId))?.controller.abort();
    }
  }

  /** Taken in or dropped: the server may send as much more. */
  #bodyReceived({ requestId, data }: yggdrasil.v1.ComputeBody): void {
    this.#running.get(idOf(requestId))?.body.add(data);
    const payload = encodePayload(ComputeCredit, { requestId, bytes: data.length });
    this.#client.send(RatatoskrType.COMPUTE_CREDIT, payload);
  }

  #requested(request: yggdrasil.v1.ComputeRequest): void {
    const requestId = idOf(request.requestId);
    if (this.#running.has(requestId)) return;
    const model = this.#models.find(({ name }) => name === request.model);
    if (model === undefined) {
      this.#refuse(request, new EndpointError('model_unknown', 'this provider does not offer the model'));
      return;
    }
    if (this.#stopping || this.#running.size >= this.#slots) {
      this.#refuse(request, new EndpointError('busy', 'all slots of this provider are taken'));
      return;
    }
    const controller = new AbortController();
    const { signal } = controller;
    const body = new RequestBody(request.bodyBytes, signal);
    const running = { controller, body, credit: new AnswerCredit(request.creditBytes) };
    body.add(request.body);
    const { endpointName: endpointModel, features = [] } = model;
    const firstTokenTimeoutMs = this.#firstTokenTimeoutMs;
    const served = serveRequest(
      { request, endpointModel, features, firstTokenTimeoutMs, signal, ...running },
      {
        endpoint: this.#endpoint,
        clock: this.#clock,
        send: (type, payload) => this.#client.send(type, payload),
        unexpected: (error) => this.#report({ kind: 'failed', requestId, error }),
      },
    )
      .then((outcome) => this.#served(requestId, outcome))
      .catch((error: Error) => this.#end(error))
      .finally(() => this.#running.delete(requestId));
    this.#running.set(requestId, { ...running, served });
  }

  #served(requestId: string, outcome: RequestOutcome): void {
    this.#report({ kind: 'served', requestId, outcome });
    if (outcome.kind === 'failed' && outcome.error.isDenial) void this.#lookWhetherDenied();
  }

  /** Takes the offer back while the endpoint lets nobody in, and offers again when it does. */
  async #lookWhetherDenied(): Promise<void> {
    if (this.#isChecking) return;
    this.#isChecking = true;
    for (let denial = await this.#denial(); denial !== null; denial = await this.#denial()) {
      if (this.#stopping) return;
      if (!this.#isDenied) {
        this.#isDenied = true;
        this.#report({ kind: 'denied', error: denial });
        this.#withdraw();
      }
      await timeout(this.#clock, RECHECK_MS, this.#stop.signal);
    }
    this.#isChecking = false;
    if (!this.#isDenied || this.#stopping) return;
    this.#isDenied = false;
    if (this.#client.state === 'open') await this.#offer();
  }

  async #denial(): Promise<EndpointError | null> {
    try {
      await this.#endpoint.check(this.#stop.signal);
      return null;
    } catch (error) {
      return error instanceof EndpointError && error.isDenial ? error : null;
    }
  }

  #refuse({ requestId }: yggdrasil.v1.ComputeRequest, error: EndpointError): void {
    sendFailure(requestId, error, (type, payload) => this.#client.send(type, payload));
    this.#report({ kind: 'served', requestId: idOf(requestId), outcome: { kind: 'failed', error } });
  }
}

/** Refuses what is no id as a frame that can't be read. */
function idOf(requestId: Uint8Array): string {
  if (requestId.length !== 16) throw new PayloadError('the request has no id');
  return uuidFromBytes(requestId);
}

/** Where somebody must do something, what the server says about it; else the code. */
function reasonOf(error: unknown, code: string): string {
  return code === 'payout_method_missing' && error instanceof Error ? `${code}: ${error.message}` : code;
}

/** Resolves after `delayMs`, or when the signal aborts. */
function timeout(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      cancel();
      signal.removeEventListener('abort', done);
      resolve();
    };
    const cancel = clock.after(delayMs, done);
    signal.addEventListener('abort', done);
    if (signal.aborted) done();
  });
}
