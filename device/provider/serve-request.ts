import {
  ComputeAlive,
  ComputeApi,
  ComputeDelta,
  ComputeFault,
  ComputeResult,
  encodePayload,
  RatatoskrType,
  toWholeCharacters,
  uuidFromBytes,
  type yggdrasil,
} from '../../proto/index.ts';
import { PIECE_BYTES_MAX, type ProviderType } from '../../proto/ratatoskr/index.ts';
import type { Clock } from '../client/index.ts';
import { AnswerChoices } from './answer-choices.ts';
import type { AnswerCredit } from './answer-credit.ts';
import type { TokenUsage } from './completion-chunk.ts';
import type { Endpoint, EndpointTask } from './endpoint.ts';
import { EndpointError, type Fault } from './endpoint-error.ts';
import { isList, type JsonObject, type JsonValue } from './json.ts';
import { DELTA_BYTES_MAX, DELTA_OVERHEAD_BYTES, DELTA_PIECE_BYTES, STALL_TIMEOUT_MS } from './limits.ts';
import type { RequestBody } from './request-body.ts';
import { SignsOfLife } from './signs-of-life.ts';
import { encodeJson, splitDelta } from './split-delta.ts';

/** Sends a message to the server; false when it can't be sent. */
export type ComputeSender = (type: ProviderType, payload: Uint8Array) => boolean;

/** How a request ended, for whoever watches the provider. */
export type RequestOutcome =
  | { readonly kind: 'answered'; readonly finishReason: string }
  | { readonly kind: 'cancelled' }
  | { readonly kind: 'failed'; readonly error: EndpointError };

/** A request that is served. */
export interface ServedRequest {
  readonly request: yggdrasil.v1.ComputeRequest;
  /** The endpoint's own name for the model. */
  readonly endpointModel: string;
  /** What it declares to the server. */
  readonly features: readonly string[];
  /** How long the endpoint may take for its first token; null: as long as the server says. */
  readonly firstTokenTimeoutMs: number | null;
  readonly body: RequestBody;
  readonly credit: AnswerCredit;
  readonly signal: AbortSignal;
}

/** What serving needs. */
export interface ServingDependencies {
  readonly endpoint: Endpoint;
  readonly clock: Clock;
  readonly send: ComputeSender;
  /** Gets an error that isn't the endpoint's. */
  readonly unexpected: (error: unknown) => void;
}

interface ForwardedAnswer {
  readonly finishReason: string;
  readonly usage: TokenUsage | null;
}

/** What every fault is called on the wire. */
const FAULTS: Readonly<Record<Fault, yggdrasil.v1.ComputeFault>> = {
  provider: ComputeFault.FAULT_OF_PROVIDER,
  requester: ComputeFault.FAULT_OF_REQUESTER,
  busy: ComputeFault.ENDPOINT_BUSY,
  model_unknown: ComputeFault.MODEL_UNKNOWN,
  stalled: ComputeFault.ENDPOINT_STALLED,
  malformed: ComputeFault.ANSWER_MALFORMED,
};

/**
 * Serves one request: asks the endpoint, sends the answer on in order and within the credit, and ends it with a COMPUTE_RESULT
 * that tells the tokens or what went wrong. After the signal it says nothing more. An error that isn't the endpoint's is the
 * provider's fault for the requester, who is told no more, and is given to `unexpected`.
 */
export async function serveRequest(
  served: ServedRequest,
  dependencies: ServingDependencies,
): Promise<RequestOutcome> {
  const { request, signal } = served;
  const { send, unexpected } = dependencies;
  try {
    const { finishReason, usage } = await forwardAnswer(served, dependencies);
    if (signal.aborted) return { kind: 'cancelled' };
    const { requestId } = request;
    const payload = encodePayload(ComputeResult, {
      requestId,
      finishReason: toWholeCharacters(finishReason),
      ...(usage === null ? {} : { usage }),
    });
    send(RatatoskrType.COMPUTE_RESULT, payload);
    return { kind: 'answered', finishReason };
  } catch (cause) {
    if (signal.aborted) return { kind: 'cancelled' };
    if (!(cause instanceof EndpointError)) unexpected(cause);
    const error =
      cause instanceof EndpointError ? cause : new EndpointError('provider', 'the provider failed');
    sendFailure(request.requestId, error, send);
    return { kind: 'failed', error };
  }
}

/** Tells the server that a request failed. */
export function sendFailure(requestId: Uint8Array, error: EndpointError, send: ComputeSender): void {
  const { fault, status, message: reason, param, retryAfterSeconds } = error;
  const failure = {
    fault: FAULTS[fault],
    status: status ?? 0,
    reason: toWholeCharacters(reason),
    param: toWholeCharacters(param ?? ''),
    retryAfterSeconds,
  };
  send(RatatoskrType.COMPUTE_RESULT, encodePayload(ComputeResult, { requestId, failure }));
}

async function forwardAnswer(
  served: ServedRequest,
  { endpoint, clock, send }: ServingDependencies,
): Promise<ForwardedAnswer> {
  const { request, body, signal } = served;
  const { requestId } = request;
  const life = new SignsOfLife({
    clock,
    send: () => send(RatatoskrType.COMPUTE_ALIVE, encodePayload(ComputeAlive, { requestId })),
  });
  const deltas = new DeltaSender(served, send, life);
  let finishReason = 'stop';
  let usage: TokenUsage | null = null;
  life.begin();
  try {
    const given = await body.read();
    const task = taskOf(request.api, given);
    const choices = new AnswerChoices(task.choices, uuidFromBytes(requestId).replaceAll('-', ''));
    const asked = upstreamBody(given, served);
    const stallTimeoutMs = request.stallTimeoutMs || STALL_TIMEOUT_MS;
    const firstTokenTimeoutMs = served.firstTokenTimeoutMs ?? (request.firstTokenTimeoutMs || stallTimeoutMs);
    for await (const chunk of endpoint.complete(task, asked, {
      firstTokenTimeoutMs,
      stallTimeoutMs,
      signal,
    })) {
      life.worked();
      finishReason = chunk.finishReason ?? finishReason;
      usage = chunk.usage ?? usage;
      await deltas.send(choices.push(chunk.fields));
    }
    await deltas.send(choices.end());
  } finally {
    life.stop();
  }
  return { finishReason, usage };
}

/** Sends deltas on, in order, cut to the size of a message, and no faster than the credit allows. */
class DeltaSender {
  readonly #served: ServedRequest;
  readonly #send: ComputeSender;
  readonly #life: SignsOfLife;
  #index = 0;

  constructor(served: ServedRequest, send: ComputeSender, life: SignsOfLife) {
    this.#served = served;
    this.#send = send;
    this.#life = life;
  }

  async send(fields: JsonObject): Promise<void> {
    if (Object.keys(fields).length === 0) return;
    this.#life.stop();
    for (const piece of splitDelta(fields, DELTA_PIECE_BYTES)) await this.#sendPiece(encodeJson(piece));
  }

  async #sendPiece(fields: Uint8Array): Promise<void> {
    const { request, credit, signal } = this.#served;
    if (fields.length > DELTA_BYTES_MAX) {
      throw new EndpointError('malformed', 'the endpoint sent a piece that is too large');
    }
    await credit.take(fields.length + DELTA_OVERHEAD_BYTES, signal);
    const { requestId } = request;
    const index = this.#index++;
    for (let at = 0; at < fields.length; at += PIECE_BYTES_MAX) {
      const more = at + PIECE_BYTES_MAX < fields.length;
      const part = { requestId, index, fields: fields.subarray(at, at + PIECE_BYTES_MAX), more };
      if (!this.#send(RatatoskrType.COMPUTE_DELTA, encodePayload(ComputeDelta, part))) {
        throw new EndpointError('provider', 'the line is too slow');
      }
    }
    this.#life.sent();
  }
}

/** What vLLM wants to be told to go on with the last message; Ollama and llama.cpp do it by themselves. */
const CONTINUATION = { add_generation_prompt: false, continue_final_message: true };

/** What the endpoint is asked, and for how many answers. */
function taskOf(api: yggdrasil.v1.ComputeApi, { n, prompt, input }: JsonObject): EndpointTask {
  const each = typeof n === 'number' ? n : 1;
  if (api === ComputeApi.API_EMBEDDINGS) return { path: '/embeddings', choices: countOf(input) };
  if (api === ComputeApi.API_COMPLETIONS) return { path: '/completions', choices: each * countOf(prompt) };
  return { path: '/chat/completions', choices: each };
}

/** A list of texts, or of lists of tokens, is several prompts. */
function countOf(prompt: JsonValue | undefined): number {
  return isList(prompt) && typeof prompt[0] !== 'number' ? prompt.length : 1;
}

/** The requester's body, with the endpoint's own name for the model, the server's bound, and streaming with usage. */
function upstreamBody(body: JsonObject, { request, endpointModel, features }: ServedRequest): JsonObject {
  const { max_completion_tokens: _, reasoning_effort: effort, ...rest } = body;
  if (request.api === ComputeApi.API_EMBEDDINGS)
    return { ...rest, model: endpointModel, encoding_format: 'base64' };
  // A hint, to a model that doesn't reason.
  const takesEffort = effort !== undefined && (features.length === 0 || features.includes('reasoning'));
  return {
    ...rest,
    ...(takesEffort ? { reasoning_effort: effort } : {}),
    model: endpointModel,
    stream: true,
    stream_options: { include_usage: true },
    ...(request.isContinuation ? CONTINUATION : {}),
    ...(request.completionTokensMax > 0 ? { max_tokens: request.completionTokensMax } : {}),
  };
}
