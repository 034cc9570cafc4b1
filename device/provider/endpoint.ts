import type { Clock } from '../client/index.ts';
import {
  type CompletionChunk,
  EndpointFailedError,
  MalformedAnswerError,
  parseCompletion,
  parseCompletionChunk,
} from './completion-chunk.ts';
import { PROBE_TIMEOUT_MS } from './limits.ts';
import { SseParser } from './sse.ts';

/** An endpoint that stopped talking. */
export class EndpointStalledError extends Error {
  constructor() {
    super('the endpoint sent nothing for too long');
    this.name = 'EndpointStalledError';
  }
}

/** Where an OpenAI-compatible endpoint is: Ollama, llama.cpp, vLLM, a cloud. */
export interface EndpointOptions {
  /** `http://127.0.0.1:11434/v1` */
  readonly baseUrl: string;
  readonly apiKey: string | null;
}

/** The request half of an OpenAI-compatible endpoint. */
export class Endpoint {
  readonly #baseUrl: string;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #fetch: typeof fetch;
  readonly #clock: Clock;

  constructor(options: EndpointOptions, dependencies: { fetch: typeof fetch; clock: Clock }) {
    this.#baseUrl = options.baseUrl.replace(/\/+$/, '');
    this.#headers = {
      'content-type': 'application/json',
      ...(options.apiKey === null ? {} : { authorization: `Bearer ${options.apiKey}` }),
    };
    this.#fetch = dependencies.fetch;
    this.#clock = dependencies.clock;
  }

  /** Names of the models that the endpoint has; null where it doesn't tell. Rejects when nothing answers there, and at `signal`. */
  async listModels(signal: AbortSignal): Promise<readonly string[] | null> {
    const response = await this.#fetch(`${this.#baseUrl}/models`, {
      headers: this.#headers,
      signal: AbortSignal.any([signal, AbortSignal.timeout(PROBE_TIMEOUT_MS)]),
    });
    const body = (await response.json().catch(() => null)) as { data?: { id?: unknown }[] } | null;
    if (!response.ok || !Array.isArray(body?.data)) return null;
    return body.data.map(({ id }) => id).filter((id) => typeof id === 'string');
  }

  /**
   * Asks for a completion and gives it piece by piece. Throws `EndpointStalledError` after `stallTimeoutMs` without a
   * byte, `EndpointFailedError` when it can't be reached, refuses or breaks off, `MalformedAnswerError` for nonsense.
   */
  async *complete(
    body: Readonly<Record<string, unknown>>,
    options: { stallTimeoutMs: number; signal: AbortSignal },
  ): AsyncGenerator<CompletionChunk> {
    const stall = new StallTimer(this.#clock, options.stallTimeoutMs);
    const signal = AbortSignal.any([options.signal, stall.signal]);
    try {
      stall.restart();
      const response = await this.#fetch(`${this.#baseUrl}/chat/completions`, {
        method: 'POST',
        headers: this.#headers,
        body: JSON.stringify(body),
        signal,
      });
      if (!response.ok || response.body === null) {
        await response.body?.cancel();
        throw new EndpointFailedError(`the endpoint answered status ${response.status}`);
      }
      if (response.headers.get('content-type')?.includes('application/json')) {
        yield parseCompletion(await response.text());
      } else yield* readStream(response.body, stall);
    } catch (error) {
      if (stall.signal.aborted) throw new EndpointStalledError();
      if (options.signal.aborted) throw options.signal.reason;
      if (error instanceof MalformedAnswerError || error instanceof EndpointFailedError) throw error;
      if (error instanceof RangeError) throw new MalformedAnswerError(error.message);
      throw new EndpointFailedError('the endpoint could not be reached, or broke off');
    } finally {
      stall.stop();
    }
  }
}

/** Reads until `[DONE]`; a stream that ends before it without a finish reason was cut. */
async function* readStream(
  body: ReadableStream<Uint8Array>,
  stall: StallTimer,
): AsyncGenerator<CompletionChunk> {
  const parser = new SseParser();
  let finished = false;
  const reader = body.getReader();
  try {
    for (;;) {
      stall.restart();
      const { done, value } = await reader.read();
      // The time that a slow receiver takes isn't the endpoint's.
      stall.stop();
      for (const data of done ? parser.end() : parser.push(value)) {
        if (data === '[DONE]') return;
        const chunk = parseCompletionChunk(data);
        finished ||= chunk.finishReason !== null;
        yield chunk;
      }
      if (done && !finished) throw new EndpointFailedError('the endpoint broke off');
      if (done) return;
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}

class StallTimer {
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #controller = new AbortController();
  #cancel: () => void = () => {};

  constructor(clock: Clock, timeoutMs: number) {
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  restart(): void {
    this.#cancel();
    this.#cancel = this.#clock.after(this.#timeoutMs, () => this.#controller.abort());
  }

  stop(): void {
    this.#cancel();
  }
}
