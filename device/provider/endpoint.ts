import type { Clock } from '../client/index.ts';
import { type CompletionChunk, parseChunks, parseCompletion, SIGN_OF_LIFE } from './completion-chunk.ts';
import { type Adaptation, Dialects } from './dialect.ts';
import { EndpointAddress } from './endpoint-address.ts';
import { EndpointError, refusalOf } from './endpoint-error.ts';
import { isList, isObject, type JsonObject, type JsonValue, parseJson } from './json.ts';
import {
  ANSWER_BYTES_MAX,
  CHECK_TIMEOUT_MS,
  ERROR_BODY_BYTES_MAX,
  FINISHED_MS,
  MODELS_BYTES_MAX,
} from './limits.ts';
import { SilenceTimer } from './silence-timer.ts';
import { isDone, SseParser } from './sse.ts';
import { parseEmbeddings } from './vectors.ts';

/** Where an OpenAI-compatible endpoint is: Ollama, llama.cpp, vLLM, a cloud. */
export interface EndpointOptions {
  /** `http://127.0.0.1:11434/v1`; with user and password, and a query, where the endpoint wants them. */
  readonly baseUrl: string;
  readonly apiKey: string | null;
}

/** Which of an endpoint's operations is asked, and how many answers of it are wanted. */
export interface EndpointTask {
  readonly path: '/chat/completions' | '/completions' | '/embeddings';
  readonly choices: number;
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
  readonly #dialects = new Dialects();

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
   * Rejects with `EndpointError` when nothing answers, or with 401, 403 or 404 only; at `signal` with its reason. That everybody
   * may read the list of models says nothing about the key: an empty request costs nothing, and shows whether it would be let in.
   */
  async check(signal: AbortSignal): Promise<readonly string[] | null> {
    const timeout = AbortSignal.any([signal, AbortSignal.timeout(CHECK_TIMEOUT_MS)]);
    try {
      const listed = await this.#ask('/models', { signal: timeout });
      const denial = listed.ok ? null : await this.#refusalOf(listed);
      const names = listed.ok ? modelNames(await readText(listed, MODELS_BYTES_MAX)) : null;
      // Something is wrong with it that isn't about who asks.
      if (denial !== null && !denial.isDenial) return null;
      const asked = await this.#ask('/chat/completions', { method: 'POST', body: '{}', signal: timeout });
      const refusal = asked.ok ? null : await this.#refusalOf(asked);
      await asked.body?.cancel().catch(() => {});
      // One that lists its models may have vectors only.
      if (names === null ? refusal?.isDenial : refusal?.isRefusedEntry) throw refusal;
      return names;
    } catch (error) {
      if (signal.aborted || error instanceof EndpointError) throw error;
      throw new EndpointError('provider', `nothing answers at ${this.address}${causeOf(error)}`);
    }
  }

  /**
   * What the endpoint says at a path, as JSON; null where it says nothing, or at `signal`. A path that begins with two slashes is
   * behind the base without its `/v1`: `//props`. Never rejects.
   */
  async look(
    path: string,
    init: { readonly post: JsonObject } | undefined,
    signal: AbortSignal,
  ): Promise<JsonValue | null> {
    try {
      const timeout = AbortSignal.any([signal, AbortSignal.timeout(CHECK_TIMEOUT_MS)]);
      const post = init === undefined ? {} : { method: 'POST', body: JSON.stringify(init.post) };
      const response = await this.#ask(path, { ...post, signal: timeout });
      const text = await readText(response, MODELS_BYTES_MAX);
      return response.ok ? (parseJson(text) ?? null) : null;
    } catch {
      return null;
    }
  }

  /**
   * Asks for a completion and gives it piece by piece, with pieces that say nothing as signs of life. Throws `EndpointError`
   * when the endpoint can't be reached, refuses, is silent for too long, breaks off or talks nonsense.
   */
  async *complete(
    { path, choices }: EndpointTask,
    body: JsonObject,
    limits: CompletionLimits,
  ): AsyncGenerator<CompletionChunk> {
    const silence = new SilenceTimer(this.#clock);
    const signal = AbortSignal.any([limits.signal, silence.signal]);
    try {
      silence.restart(limits.firstTokenTimeoutMs);
      const response = await this.#begin(path, body, signal);
      const bytes = readBytes(response, silence, limits);
      yield* path === '/embeddings' ? readVectors(bytes) : readAnswer(bytes, choices);
    } catch (error) {
      if (limits.signal.aborted) throw limits.signal.reason;
      if (silence.signal.aborted)
        throw new EndpointError('stalled', 'the endpoint sent nothing for too long');
      if (error instanceof EndpointError) throw error.redacted((text) => this.#address.redact(text));
      if (error instanceof RangeError) throw new EndpointError('malformed', error.message);
      throw new EndpointError('provider', `the endpoint could not be reached, or broke off${causeOf(error)}`);
    } finally {
      silence.stop();
    }
  }

  /** The answer to a request, which is put in other words where the endpoint asks for them. */
  async #begin(path: EndpointTask['path'], body: JsonObject, signal: AbortSignal): Promise<Response> {
    const dialect = this.#dialects.of(body);
    const tried = new Set<Adaptation>();
    let first: EndpointError | null = null;
    for (;;) {
      const adapted = JSON.stringify(dialect.adapt(body, tried));
      const response = await this.#ask(path, { method: 'POST', body: adapted, signal });
      if (response.ok && response.body !== null) {
        dialect.learn(tried);
        return response;
      }
      const refusal = refusalOf(
        response.status,
        await readText(response),
        response.headers.get('retry-after'),
      );
      first ??= refusal;
      if (first.fault !== 'requester') throw first;
      if (dialect.forget(refusal.message)) continue;
      const next = dialect.suggest(refusal.message, body, tried);
      if (next === null) throw first;
      tried.add(next);
    }
  }

  #ask(path: string, init: RequestInit): Promise<Response> {
    return this.#fetch(this.#address.of(path), {
      ...init,
      headers: this.#address.headers,
      // Who is there was not asked for, and gets neither key nor conversation.
      redirect: 'manual',
    });
  }

  async #refusalOf(response: Response): Promise<EndpointError> {
    const text = await readText(response);
    return refusalOf(response.status, text).redacted((secret) => this.#address.redact(secret));
  }
}

/** Why there is no connection, as the system calls it; nothing where it doesn't say. */
function causeOf(error: unknown): string {
  const code = ((error as Error | null)?.cause as { code?: unknown } | null | undefined)?.code;
  return typeof code === 'string' && code !== 'ECONNREFUSED' ? ` (${code})` : '';
}

function modelNames(text: string): readonly string[] | null {
  const list = parseJson(text);
  if (!isObject(list) || !isList(list.data)) return null;
  return list.data.map((model) => (isObject(model) ? model.id : null)).filter((id) => typeof id === 'string');
}

/** The beginning of what an endpoint says: of an error no more is told. */
async function readText(response: Response, bytesMax = ERROR_BODY_BYTES_MAX): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  const reader = response.body?.getReader();
  try {
    while (reader !== undefined && text.length < bytesMax) {
      const { done, value } = await reader.read();
      if (done) break;
      text += decoder.decode(value, { stream: true });
    }
  } finally {
    await reader?.cancel().catch(() => {});
  }
  return text.slice(0, bytesMax);
}

/** Bytes as they come, and which answer they belong to. The time that a slow receiver takes isn't the endpoint's. */
interface AnswerBytes {
  /** Null: that was all. An answer that is finished may break off, or stay open in silence. */
  read(): Promise<Uint8Array | null>;
  /** From now on the endpoint is past its first token. */
  spoke(): void;
  /** It has said why it ended. */
  finished(): void;
  cancel(): Promise<void>;
}

function readBytes(response: Response, silence: SilenceTimer, limits: CompletionLimits): AnswerBytes {
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  let timeoutMs = limits.firstTokenTimeoutMs;
  let isFinished = false;
  let bytes = 0;
  const readOn = async (): Promise<Uint8Array | null> => {
    try {
      const { done, value } = await reader.read();
      return done ? null : value;
    } catch (error) {
      if (isFinished && !limits.signal.aborted) return null;
      throw error;
    }
  };
  return {
    async read() {
      silence.restart(isFinished ? Math.min(timeoutMs, FINISHED_MS) : timeoutMs);
      const value = await readOn();
      silence.stop();
      bytes += value?.length ?? 0;
      if (bytes > ANSWER_BYTES_MAX) throw new EndpointError('malformed', 'the answer has no end');
      return value;
    },
    spoke() {
      timeoutMs = limits.stallTimeoutMs;
    },
    finished() {
      isFinished = true;
    },
    cancel: () => reader.cancel().catch(() => {}),
  };
}

/**
 * Reads an answer to its end: an event stream until `[DONE]`, or one JSON object from an endpoint that doesn't stream. Which of
 * the two it is shows in what comes, not in what it is called. A stream that ends before `[DONE]` without a finish reason was
 * cut.
 */
async function* readAnswer(bytes: AnswerBytes, choices: number): AsyncGenerator<CompletionChunk> {
  const whole = new WholeAnswer();
  const parser = new SseParser();
  const ended = new Set<number>();
  let isFinished = false;
  let saidSomething = false;
  try {
    for (;;) {
      const value = await bytes.read();
      if (value !== null) yield SIGN_OF_LIFE;
      const piece = value === null ? null : whole.take(value);
      if (whole.isWhole) {
        if (value !== null) continue;
        yield whole.read(choices);
        return;
      }
      const events = piece === null ? parser.end() : parser.push(piece);
      const doneAt = events.findIndex(isDone);
      for (const chunk of parseChunks(doneAt < 0 ? events : events.slice(0, doneAt))) {
        for (const index of chunk.ended) ended.add(index);
        isFinished ||= ended.size >= choices;
        saidSomething ||= Object.keys(chunk.fields).length > 0;
        if (saidSomething) bytes.spoke();
        if (isFinished) bytes.finished();
        yield chunk;
      }
      if (doneAt >= 0) {
        if (isFinished || saidSomething) return;
        throw new EndpointError('malformed', 'the endpoint sent an answer without anything in it');
      }
      if (value !== null) continue;
      if (isFinished) return;
      throw new EndpointError('provider', 'the endpoint broke off');
    }
  } finally {
    await bytes.cancel();
  }
}

/** Vectors come in one JSON object. */
async function* readVectors(bytes: AnswerBytes): AsyncGenerator<CompletionChunk> {
  const decoder = new TextDecoder();
  let text = '';
  try {
    for (let value = await bytes.read(); value !== null; value = await bytes.read()) {
      text += decoder.decode(value, { stream: true });
      yield SIGN_OF_LIFE;
    }
  } finally {
    await bytes.cancel();
  }
  yield* parseEmbeddings(text + decoder.decode());
}

/** An answer that is one JSON object: it begins with a brace, as no event stream does, and its first line is no piece of an answer. */
class WholeAnswer {
  readonly #decoder = new TextDecoder();
  #text = '';
  /** As they came, until the first line is whole: a stream is read from its first byte on, which may be cut inside a character. */
  #pieces: Uint8Array[] = [];
  #state: 'unknown' | 'whole' | 'stream' = 'unknown';
  #hasLine = false;

  /** What has come belongs to an answer that is whole, as far as can be said. */
  get isWhole(): boolean {
    return this.#state === 'whole';
  }

  /** Takes the next bytes; returns what of it, and of earlier bytes, belongs to a stream. Throws `EndpointError` for a web page. */
  take(bytes: Uint8Array): Uint8Array {
    if (this.#state === 'unknown') this.#state = beginningOf(bytes);
    if (this.#state !== 'whole') return bytes;
    const text = this.#decoder.decode(bytes, { stream: true });
    // Empty lines before the first one say nothing.
    this.#text = this.#text === '' ? text.trimStart() : this.#text + text;
    if (this.#hasLine) return NOTHING;
    this.#pieces.push(bytes);
    this.#hasLine = text.includes('\n') && this.#text.includes('\n');
    if (!this.#hasLine) return NOTHING;
    const pieces = this.#pieces;
    this.#pieces = [];
    if (!isPieceOfAnswer(this.#text)) return NOTHING;
    this.#state = 'stream';
    this.#text = '';
    return joined(pieces);
  }

  read(choices: number): CompletionChunk {
    return parseCompletion(this.#text + this.#decoder.decode(), choices);
  }
}

const NOTHING = new Uint8Array(0);

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}

function beginningOf(bytes: Uint8Array): 'unknown' | 'whole' | 'stream' {
  const first = bytes.find((byte) => !SPACES.has(byte));
  if (first === undefined) return 'unknown';
  if (first === OPENING_ANGLE)
    throw new EndpointError('provider', 'the endpoint answered with a web page; is the path right?');
  return first === OPENING_BRACE ? 'whole' : 'stream';
}

/** True for text whose first line is an object by itself with a piece of an answer in it: some endpoints stream such lines (NDJSON). */
function isPieceOfAnswer(text: string): boolean {
  const end = text.indexOf('\n');
  const piece = end < 0 ? undefined : parseJson(text.slice(0, end));
  if (!isObject(piece) || !isList(piece.choices)) return false;
  const [choice] = piece.choices;
  if (choice === undefined) return true;
  return (
    isObject(choice) &&
    (isObject(choice.delta) || (typeof choice.text === 'string' && choice.finish_reason == null))
  );
}

const OPENING_BRACE = 0x7b;
const OPENING_ANGLE = 0x3c;
/** Space, tab, line breaks, and the byte order mark. */
const SPACES: ReadonlySet<number> = new Set([0x20, 0x09, 0x0a, 0x0d, 0xef, 0xbb, 0xbf]);
