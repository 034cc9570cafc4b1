import { EndpointError } from './endpoint-error.ts';
import { isObject, type JsonObject, parseJson } from './json.ts';
import { REQUEST_BODY_BYTES_MAX } from './limits.ts';

/** A request's body, put together from the pieces that it comes in. */
export class RequestBody {
  readonly #whole: Promise<Uint8Array>;
  #settle: { resolve(bytes: Uint8Array): void; reject(error: Error): void } = {
    resolve: () => {},
    reject: () => {},
  };
  readonly #bytesMax: number;
  #parts: Uint8Array[] = [];
  #bytes = 0;

  /** `bytes`: of the whole body. */
  constructor(bytes: number, signal: AbortSignal) {
    this.#bytesMax = bytes;
    this.#whole = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
    // Whoever is not asked for it any more leaves it unread.
    this.#whole.catch(() => {});
    signal.addEventListener('abort', () => this.#settle.reject(signal.reason), { once: true });
    if (bytes > REQUEST_BODY_BYTES_MAX) this.#refuse('the request is too large');
  }

  /** Takes the next piece in. */
  add(piece: Uint8Array): void {
    this.#bytes += piece.length;
    if (this.#bytes > this.#bytesMax) {
      this.#parts = [];
      this.#refuse('the request is longer than announced');
      return;
    }
    this.#parts.push(piece.slice());
    if (this.#bytes === this.#bytesMax) this.#settle.resolve(joined(this.#parts, this.#bytes));
  }

  /** The body, when all of it is there. Rejects with `EndpointError` for what is no JSON object, and at the signal. */
  async read(): Promise<JsonObject> {
    const bytes = await this.#whole;
    const json = parseJson(new TextDecoder().decode(bytes));
    if (!isObject(json)) throw new EndpointError('provider', 'the request is not a JSON object');
    return json;
  }

  #refuse(reason: string): void {
    this.#settle.reject(new EndpointError('provider', reason));
  }
}

function joined(parts: readonly Uint8Array[], length: number): Uint8Array {
  const whole = new Uint8Array(length);
  let position = 0;
  for (const part of parts) {
    whole.set(part, position);
    position += part.length;
  }
  return whole;
}
