import { PIECE_BYTES_MAX } from '../../../proto/ratatoskr/index.ts';
import type { HttpResponse } from '../../platform/http/types.ts';
import { STREAM_CREDIT_BYTES_MAX, STREAM_WINDOW_BYTES } from './limits.ts';

/** How much of an answer its client takes. */
export class StreamCredit {
  #bytes = STREAM_WINDOW_BYTES;
  #wake: () => void = () => {};

  /** The client has taken so much. False: that is more than one may have. */
  add(bytes: number): boolean {
    this.#bytes += bytes;
    this.#wake();
    return this.#bytes <= STREAM_CREDIT_BYTES_MAX;
  }

  /** Resolves once there is credit for so many bytes, which are used up by that, or when the signal is aborted. */
  async take(bytes: number, signal: AbortSignal): Promise<void> {
    if (this.#bytes < bytes && !signal.aborted) {
      // Credit may come by single bytes: one listener is enough for all of it.
      await new Promise<void>((resolve) => {
        const isOver = () => this.#bytes >= bytes || signal.aborted;
        this.#wake = () => isOver() && resolve();
        signal.addEventListener('abort', this.#wake);
      });
      signal.removeEventListener('abort', this.#wake);
    }
    this.#bytes -= bytes;
  }
}

/** A body in pieces that each fit a message; what is known at once is one piece, or more where it is long. */
export async function* piecesOf(body: HttpResponse['body']): AsyncGenerator<Uint8Array> {
  if (body === undefined) return;
  if (typeof body === 'string' || body instanceof Uint8Array) {
    yield* split(body);
    return;
  }
  for await (const text of body) yield* split(text);
}

function* split(part: string | Uint8Array): Generator<Uint8Array> {
  const bytes = typeof part === 'string' ? new TextEncoder().encode(part) : part;
  for (let at = 0; at < bytes.length; at += PIECE_BYTES_MAX) yield bytes.subarray(at, at + PIECE_BYTES_MAX);
}

/** What fits one message as a whole; null: the body is streamed, or too long. */
export function wholeBody(body: HttpResponse['body']): Uint8Array | null {
  if (body === undefined) return new Uint8Array(0);
  if (typeof body !== 'string' && !(body instanceof Uint8Array)) return null;
  const bytes = typeof body === 'string' ? new TextEncoder().encode(body) : body;
  return bytes.length <= PIECE_BYTES_MAX ? bytes : null;
}

/** Bytes of a body that is there as a whole; 0 for one that is made as it is taken. */
export function knownBytes(body: HttpResponse['body']): number {
  return typeof body === 'string' ? Buffer.byteLength(body) : body instanceof Uint8Array ? body.length : 0;
}
