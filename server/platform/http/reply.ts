import { STATUS_CODES } from 'node:http';
import { InvariantError } from '../../kernel/errors.ts';
import type { HttpResponse } from './types.ts';
import type { NativeResponse } from './uws.ts';

/** How an answer goes out. */
export interface ReplyOptions {
  readonly requestId: string;
  /** For HEAD: the headers of the answer without its body. */
  readonly omitBody?: boolean;
  /** Ends the connection after this answer. */
  readonly closeConnection?: boolean;
}

/**
 * The only holder of the library's answer object, which must never be touched after it was aborted or completed.
 * Made in the synchronous part of a request handler.
 */
export class Reply {
  readonly #native: NativeResponse;
  #state: 'open' | 'streaming' | 'done' | 'gone' = 'open';
  #abort: AbortController | null = null;
  /** Ends the wait of a running stream: for its next chunk or for room to write. */
  #wake: (() => void) | null = null;

  /** `whenGone` is called at most once, when the client goes away before the answer is complete. */
  constructor(native: NativeResponse, whenGone: () => void = () => undefined) {
    this.#native = native;
    native.onAborted(() => {
      if (this.#state === 'done') return;
      this.#state = 'gone';
      whenGone();
      this.#abort?.abort(new Error('the client went away'));
      this.#wake?.();
    });
  }

  /** True when nobody waits for an answer any more. */
  get gone(): boolean {
    return this.#state === 'gone';
  }

  /** True when an answer was begun, so that no other one can be given. */
  get begun(): boolean {
    return this.#state !== 'open';
  }

  /** Aborted when the client goes away before the answer is complete. */
  get signal(): AbortSignal {
    this.#abort ??= new AbortController();
    if (this.gone) this.#abort.abort(new Error('the client went away'));
    return this.#abort.signal;
  }

  /**
   * Sends the answer; resolves when all of it was handed to the socket or the client is gone. Rejects when a streamed
   * body does: before its first chunk nothing was sent and another answer can be given (`begun` is false); later the
   * connection is cut, because a complete answer must not be pretended.
   */
  async send(response: HttpResponse, options: ReplyOptions): Promise<void> {
    if (this.#state !== 'open') return;
    const { body } = response;
    if (body === undefined || typeof body === 'string' || body instanceof Uint8Array) {
      const answer = readyAnswer(response, options);
      this.#state = 'done';
      answer(this.#native);
    } else {
      // Who doesn't read waits for room: a cut doesn't wait for that.
      response.cut?.addEventListener('abort', () => this.#wake?.(), { once: true });
      await this.#sendStream(response, body, options);
    }
  }

  async #sendStream(
    response: HttpResponse,
    body: AsyncIterable<string>,
    options: ReplyOptions,
  ): Promise<void> {
    const head = headOf(response, options.requestId);
    const iterator = body[Symbol.asyncIterator]();
    const pull = () => this.#untilGone(iterator.next());
    let next = options.omitBody ? null : await pull();
    if (!this.gone) {
      this.#state = 'streaming';
      this.#native.onWritable(() => {
        this.#wake?.();
        return true;
      });
      this.#native.cork(() => writeHead(this.#native, head));
    }
    try {
      while (next && !next.done && !this.gone) {
        await this.#writeChunk(next.value);
        if (!this.gone) next = await pull();
      }
    } catch (error) {
      // Aborts, which makes this reply `gone`.
      if (!this.gone) this.#native.close();
      throw error;
    }
    if (this.gone || options.omitBody) leaveEarly(iterator);
    if (!this.gone) {
      this.#state = 'done';
      this.#native.cork(() => {
        if (options.omitBody) this.#native.endWithoutBody();
        else this.#native.end(undefined, options.closeConnection ?? false);
      });
    }
  }

  /** Resolves when there is room for more. */
  async #writeChunk(chunk: string): Promise<void> {
    // An empty write would end the answer.
    if (chunk.length === 0) return;
    let room = true;
    this.#native.cork(() => {
      room = this.#native.write(bytesOf(chunk));
    });
    if (!room && !this.gone) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = null;
    }
  }

  /** The result, or null as soon as the client is gone. */
  #untilGone<T>(result: Promise<T>): Promise<T | null> {
    return new Promise<T | null>((resolve, reject) => {
      if (this.gone) resolve(null);
      this.#wake = () => {
        if (this.gone) resolve(null);
      };
      result.then(resolve, reject);
    }).finally(() => {
      this.#wake = null;
    });
  }
}

/**
 * Sends an answer whose body is no stream, in the synchronous part of a request handler: nobody can go away meanwhile, so
 * that nothing has to be kept for it. Throws InvariantError, with nothing sent, for a stream and for a header that breaks the framing.
 */
export function sendAtOnce(native: NativeResponse, response: HttpResponse, options: ReplyOptions): void {
  readyAnswer(response, options)(native);
}

/** What sends the answer whole. Throws as `sendAtOnce` does. */
function readyAnswer(response: HttpResponse, options: ReplyOptions): (native: NativeResponse) => void {
  const { body = '' } = response;
  if (typeof body !== 'string' && !(body instanceof Uint8Array)) {
    throw new InvariantError('a stream is not sent at once');
  }
  const head = headOf(response, options.requestId);
  const bytes = bytesOf(body);
  return (native) =>
    native.cork(() => {
      writeHead(native, head);
      const close = options.closeConnection ?? false;
      // RFC 9110 section 8.6: no Content-Length with 204, and none with 304 that isn't that of the file. Given any argument, the library writes one, and without
      // one it doesn't close: closing comes first.
      if ((response.status === 204 || response.status === 304) && !close) native.endWithoutBody();
      else if (options.omitBody) native.endWithoutBody(bytes.byteLength, close);
      else native.end(bytes, close);
    });
}

function writeHead(native: NativeResponse, head: Head): void {
  // The library writes it by itself, without a call into it.
  if (head.status !== STATUS_OK) native.writeStatus(head.status);
  const { headers } = head;
  for (let at = 0; at < headers.length; at += 2)
    native.writeHeader(headers[at] as string, headers[at + 1] as string);
}

const STATUS_OK = '200 OK';

interface Head {
  readonly status: string;
  /** Names, each with its value behind it. */
  readonly headers: readonly string[];
}

/** Text in UTF-8. The library's builds for Node 22 and newer would send a string of Latin-1 characters as Latin-1. */
function bytesOf(body: string | Uint8Array): Uint8Array {
  return typeof body === 'string' ? Buffer.from(body) : body;
}

/** Tells a generator that nobody reads on. What it throws while cleaning up has no reader either. */
function leaveEarly(iterator: AsyncIterator<string>): void {
  iterator.return?.().catch(() => undefined);
}

/** Headers every answer has; a response's own headers of the same name win. */
const DEFAULT_HEADERS = Object.entries({ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' });
const NO_HEADERS: Readonly<Record<string, string>> = {};
/** In small letters, so that two of them are told apart as the protocol does. */
const NAME = /^[a-z\d-]+$/;

/** Throws InvariantError for a header that would break the answer's framing, or whose name has capital letters. */
function headOf({ status, headers: own = NO_HEADERS }: HttpResponse, requestId: string): Head {
  const headers = ['x-request-id', requestId];
  for (const name of Object.keys(own)) {
    const value = own[name] as string;
    if (!NAME.test(name) || /[\r\n\0]/.test(value))
      throw new InvariantError(`not to be sent: the header ${name}`);
    headers.push(name, value);
  }
  for (const [name, value] of DEFAULT_HEADERS) if (!Object.hasOwn(own, name)) headers.push(name, value);
  return { status: status === 200 ? STATUS_OK : `${status} ${STATUS_CODES[status] ?? 'Unknown'}`, headers };
}
