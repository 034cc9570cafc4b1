import type { Clock } from '../client/index.ts';
import {
  type CompletionChunk,
  parseCompletion,
  parseCompletionChunk,
  SIGN_OF_LIFE,
} from './completion-chunk.ts';
import { type Adaptation, Dialect } from './dialect.ts';
import { EndpointAddress } from './endpoint-address.ts';
import { EndpointError, refusalOf } from './endpoint-error.ts';
import type { JsonObject } from './json.ts';
import { ANSWER_BYTES_MAX, CHECK_TIMEOUT_MS, ERROR_BODY_BYTES_MAX } from './limits.ts';
import { SilenceTimer } from './silence-timer.ts';
import { SseParser } from './sse.ts';

/** Where an OpenAI-compatible endpoint is: Ollama, llama.cpp, vLLM, a cloud. */
export interface EndpointOptions {
  /** `http://127.0.0.1:11434/v1`; with user and password, and a query, where the endpoint wants them. */
  readonly baseUrl: string;
  readonly apiKey: string | null;
}

/** What bounds one completion. */
export interface CompletionLimits {
  /** Without a byte before the first piece that says something. */
  readonly firstTokenTimeoutMs: number;
  /** Without a byte after it. */
  readonly stallTimeoutMs: number;
  readonly signal: AbortSignal;
}

/** The request half of an OpenAI-compatible endpoint. */
export class Endpoint {
  readonly #address: EndpointAddress;
  readonly #fetch: typeof fetch;
  readonly #clock: Clock;
  readonly #dialect = new Dialect();

  constructor(options: EndpointOptions, dependencies: { fetch: typeof fetch; clock: Clock }) {
    this.#address = new EndpointAddress(options.baseUrl, options.apiKey);
    this.#fetch = dependencies.fetch;
    this.#clock = dependencies.clock;
  }

  /** Its address as people may read it. */
  get address(): string {
    return this.#address.shown;
  }

  /**
   * Looks whether the endpoint is there and lets us in. Resolves with the names of its models, null where it doesn't tell.
   * Rejects with `EndpointError` when nothing answers, or with 401, 403 or 404 only; at `signal` with its reason.
   */
  async check(signal: AbortSignal): Promise<readonly string[] | null> {
    const timeout = AbortSignal.any([signal, AbortSignal.timeout(CHECK_TIMEOUT_MS)]);
    try {
      const listed = await this.#ask('/models', { signal: timeout });
      if (listed.ok) return modelNames((await listed.json().catch(() => null)) as ModelList | null);
      const denial = await this.#refusalOf(listed);
      // Not every endpoint lists its models. An empty request costs nothing and shows whether it would be let in.
      if (!denial.isDenial) return null;
      const asked = await this.#ask('/chat/completions', { method: 'POST', body: '{}', signal: timeout });
      const refusal = asked.ok ? null : await this.#refusalOf(asked);
      await asked.body?.cancel().catch(() => {});
      if (refusal?.isDenial) throw refusal;
      return null;
    } catch (error) {
      if (signal.aborted || error instanceof EndpointError) throw error;
      throw new EndpointError('provider', `nothing answers at ${this.address}`);
    }
  }

  /**
   * Asks for a completion and gives it piece by piece, with pieces that say nothing as signs of life. Throws `EndpointError`
   * when the endpoint can't be reached, refuses, is silent for too long, breaks off or talks nonsense.
   */
  async *complete(body: JsonObject, limits: CompletionLimits): AsyncGenerator<CompletionChunk> {
    const silence = new SilenceTimer(this.#clock);
    const signal = AbortSignal.any([limits.signal, silence.signal]);
    try {
      silence.restart(limits.firstTokenTimeoutMs);
      const response = await this.#begin(body, signal);
      const isWhole = response.headers.get('content-type')?.includes('application/json') === true;
      const bytes = readBytes(response, silence, limits);
      yield* isWhole ? readWhole(bytes) : readStream(bytes);
    } catch (error) {
      if (limits.signal.aborted) throw limits.signal.reason;
      if (silence.signal.aborted)
        throw new EndpointError('stalled', 'the endpoint sent nothing for too long');
      if (error instanceof EndpointError) throw error;
      if (error instanceof RangeError) throw new EndpointError('malformed', error.message);
      throw new EndpointError('provider', 'the endpoint could not be reached, or broke off');
    } finally {
      silence.stop();
    }
  }

  /** The answer to a request, which is put in other words where the endpoint asks for them. */
  async #begin(body: JsonObject, signal: AbortSignal): Promise<Response> {
    const tried = new Set<Adaptation>();
    let first: EndpointError | null = null;
    for (;;) {
      const adapted = JSON.stringify(this.#dialect.adapt(body, tried));
      const response = await this.#ask('/chat/completions', { method: 'POST', body: adapted, signal });
      if (response.ok && response.body !== null) {
        this.#dialect.learn(tried);
        return response;
      }
      const text = await readText(response);
      first ??= refusalOf(response.status, text, (secret) => this.#address.redact(secret));
      const next = first.fault === 'requester' ? this.#dialect.suggest(text, tried) : null;
      if (next === null) throw first;
      tried.add(next);
    }
  }

  #ask(path: string, init: RequestInit): Promise<Response> {
    return this.#fetch(this.#address.of(path), { ...init, headers: this.#address.headers });
  }

  async #refusalOf(response: Response): Promise<EndpointError> {
    const text = await readText(response);
    return refusalOf(response.status, text, (secret) => this.#address.redact(secret));
  }
}

interface ModelList {
  readonly data?: readonly { readonly id?: unknown }[];
}

function modelNames(list: ModelList | null): readonly string[] | null {
  if (!Array.isArray(list?.data)) return null;
  return list.data.map(({ id }) => id).filter((id) => typeof id === 'string');
}

/** The beginning of what an endpoint says about an error. */
async function readText(response: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  const reader = response.body?.getReader();
  try {
    while (reader !== undefined && text.length < ERROR_BODY_BYTES_MAX) {
      const { done, value } = await reader.read();
      if (done) break;
      text += decoder.decode(value, { stream: true });
    }
  } finally {
    await reader?.cancel().catch(() => {});
  }
  return text.slice(0, ERROR_BODY_BYTES_MAX);
}

/** Bytes as they come, and which answer they belong to. The time that a slow receiver takes isn't the endpoint's. */
interface AnswerBytes {
  read(): Promise<Uint8Array | null>;
  /** From now on the endpoint is past its first token. */
  spoke(): void;
  cancel(): Promise<void>;
}

function readBytes(response: Response, silence: SilenceTimer, limits: CompletionLimits): AnswerBytes {
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  let timeoutMs = limits.firstTokenTimeoutMs;
  let bytes = 0;
  return {
    async read() {
      silence.restart(timeoutMs);
      const { done, value } = await reader.read();
      silence.stop();
      bytes += value?.length ?? 0;
      if (bytes > ANSWER_BYTES_MAX) throw new EndpointError('malformed', 'the answer has no end');
      return done ? null : value;
    },
    spoke() {
      timeoutMs = limits.stallTimeoutMs;
    },
    cancel: () => reader.cancel().catch(() => {}),
  };
}

/** Reads until `[DONE]`; a stream that ends before it without a finish reason was cut. */
async function* readStream(bytes: AnswerBytes): AsyncGenerator<CompletionChunk> {
  const parser = new SseParser();
  let isFinished = false;
  let saidSomething = false;
  try {
    for (;;) {
      const value = await bytes.read();
      if (value !== null) yield SIGN_OF_LIFE;
      for (const data of value === null ? parser.end() : parser.push(value)) {
        if (data === '[DONE]') {
          if (isFinished || saidSomething) return;
          throw new EndpointError('malformed', 'the endpoint sent an answer without anything in it');
        }
        const chunk = parseCompletionChunk(data);
        isFinished ||= chunk.finishReason !== null;
        saidSomething ||= Object.keys(chunk.fields).length > 0;
        if (saidSomething) bytes.spoke();
        yield chunk;
      }
      if (value !== null) continue;
      if (isFinished) return;
      throw new EndpointError('provider', 'the endpoint broke off');
    }
  } finally {
    await bytes.cancel();
  }
}

async function* readWhole(bytes: AnswerBytes): AsyncGenerator<CompletionChunk> {
  const decoder = new TextDecoder();
  let text = '';
  try {
    for (let value = await bytes.read(); value !== null; value = await bytes.read()) {
      text += decoder.decode(value, { stream: true });
      yield SIGN_OF_LIFE;
    }
    yield parseCompletion(text + decoder.decode());
  } finally {
    await bytes.cancel();
  }
}
